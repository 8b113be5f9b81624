#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include "engine/base/error.h"
#include "engine/nn/layer_norm.h"
#include "engine/nn/linear.h"
#include "engine/nn/parameter_store.h"

using namespace engine;

namespace {

struct Layers : Module {
  Layers() {
    declare(norm, "norm");
    declare(a, "a");
    declare(b, "b");
    declare(lora, "lora_A", {5, 100}, Role::injected, 0, Init::kaiming_uniform);
  }
  LayerNorm norm{30, 1e-5, Role::ffn_norm, 0};
  Linear a{30, 20, Role::ffn_in, 0}, b{20, 30, Role::head, 0};
  Parameter lora;
};

void train_all(ParameterStore& store) {
  for (Parameter* p : store.all()) p->trainable = true;
}

std::vector<Scalar> values(const Parameter& p) { return {p.value, p.value + p.count()}; }

}  // namespace

TEST_CASE("trainable parameters are one block, the decayed first, each in order of declaration") {
  Layers net;
  ParameterStore store(net);
  train_all(store);
  net.b.bias.trainable = false;
  store.allocate();
  std::vector<std::string> order;
  Scalar *value = store.block().value, *grad = store.block().grad;
  int64_t decayed = 0;
  for (const Parameter* p : store.trainable()) {
    order.push_back(p->name);
    CHECK(p->value == value);
    CHECK(p->grad == grad);
    value += p->count();
    grad += p->count();
    if (p->decays()) decayed += p->count();
  }
  // As torch's named_parameters(): a module's own parameters come before its children's.
  CHECK(order == std::vector<std::string>{"lora_A", "a.weight", "b.weight", "norm.weight",
                                          "norm.bias", "a.bias"});
  CHECK(store.block().size == value - store.block().value);
  CHECK(store.block().size == 600 + 600 + 500 + 30 + 30 + 20);
  CHECK(store.block().decayed == decayed);
  CHECK(store.block().decayed == 1700);
  CHECK(store.trainable_count() == store.block().size);
  CHECK(store.total_count() == store.block().size + 30);
  CHECK(reinterpret_cast<uintptr_t>(store.block().value) % 64 == 0);
  CHECK(reinterpret_cast<uintptr_t>(store.block().grad) % 64 == 0);
  CHECK(net.b.bias.value == nullptr);
  CHECK(net.b.bias.grad == nullptr);
}

TEST_CASE("gradients begin as zero, and those that nothing wrote become zero") {
  Layers net;
  ParameterStore store(net);
  train_all(store);
  store.allocate();
  for (int64_t i = 0; i < store.block().size; ++i) REQUIRE(store.block().grad[i] == 0);
  std::fill_n(store.block().grad, store.block().size, Scalar(7));
  store.clear_gradients();
  for (const Parameter* p : store.trainable()) CHECK_FALSE(p->grad_written);
  net.a.weight.grad_written = true;
  store.settle_gradients();
  CHECK(net.a.weight.grad[3] == 7);
  CHECK(net.b.weight.grad[3] == 0);
  CHECK(net.norm.bias.grad[29] == 0);
  CHECK(net.b.weight.grad_written);
}

TEST_CASE("two parameters of one name, and calls out of order, are errors") {
  struct Twice : Module {
    Twice() {
      declare(a, "dense");
      declare(b, "dense");
    }
    Linear a{2, 2, Role::ffn_in, 0}, b{2, 2, Role::ffn_in, 0};
  } twice;
  CHECK_THROWS_WITH_AS(ParameterStore{twice},
                       doctest::Contains("two parameters are named dense.weight"), Error);
  Layers net;
  ParameterStore store(net);
  CHECK_THROWS_WITH_AS(store.own(net.lora), doctest::Contains("values of lora_A before allocate()"),
                       Error);
  net.a.weight.trainable = true;
  store.allocate();
  CHECK_THROWS_WITH_AS(store.allocate(), doctest::Contains("allocate() was called twice"), Error);
  const Scalar lent[600] = {};
  CHECK_THROWS_WITH_AS(store.borrow(net.a.weight, lent, nullptr),
                       doctest::Contains("a.weight is trainable and needs memory of its own"),
                       Error);
}

TEST_CASE("a store with nothing to train") {
  Layers net;
  ParameterStore store(net);
  store.allocate();
  store.initialise(1);
  CHECK(store.block().size == 0);
  CHECK(store.trainable().empty());
  CHECK(store.trainable_count() == 0);
  CHECK(net.norm.weight.value[0] == 1);
}

TEST_CASE("borrowed values are read where they are, and their keeper lives as long as the store") {
  Layers net;
  std::weak_ptr<const void> watch;
  {
    ParameterStore store(net);
    store.allocate();
    auto file = std::make_shared<std::vector<Scalar>>(1200, Scalar(3));
    watch = file;
    store.borrow(net.a.weight, file->data(), file);
    store.borrow(net.b.weight, file->data() + 600, file);
    CHECK(net.a.weight.value == file->data());
    file.reset();
    CHECK_FALSE(watch.expired());
    CHECK(net.b.weight.value[599] == 3);
  }
  CHECK(watch.expired());
}

TEST_CASE("own: a trainable parameter's place in the block, or fresh aligned memory") {
  Layers net;
  ParameterStore store(net);
  net.a.weight.trainable = true;
  store.allocate();
  CHECK(store.own(net.a.weight) == store.block().value);
  Scalar* memory = store.own(net.b.weight);
  CHECK(memory == net.b.weight.value);
  CHECK(reinterpret_cast<uintptr_t>(memory) % 64 == 0);
}

TEST_CASE("initial values are a function of seed and name alone") {
  Layers trained, frozen;
  ParameterStore one(trained), two(frozen);
  train_all(one);
  one.allocate();
  two.allocate();
  one.initialise(7);
  two.initialise(7);
  for (const Parameter* p : one.all()) CHECK(values(*p) == values(*two.find(p->name)));
  // Another module around it, another order, the same name: the same values.
  struct Other : Module {
    Other() {
      declare(extra, "extra", {9, 9}, Role::injected, 0);
      declare(b, "b");
    }
    Parameter extra;
    Linear b{20, 30, Role::head, 5};
  } other;
  ParameterStore three(other);
  three.allocate();
  three.initialise(7);
  CHECK(values(other.b.weight) == values(trained.b.weight));
  three.initialise(8);
  CHECK(values(other.b.weight) != values(trained.b.weight));
  CHECK(values(trained.a.weight) != values(trained.b.weight));  // both 600 normals
}

TEST_CASE("loaded parameters are not initialised") {
  Layers net;
  ParameterStore store(net);
  train_all(store);
  store.allocate();
  std::fill_n(net.a.weight.value, 600, Scalar(5));
  net.a.weight.loaded = true;
  store.initialise(7);
  CHECK(net.a.weight.value[0] == 5);
  CHECK(net.b.weight.value[0] != 5);
}

TEST_CASE("initial distributions") {
  Layers net;
  ParameterStore store(net);
  train_all(store);
  store.allocate();
  store.initialise(7);
  for (const Scalar x : values(net.norm.weight)) CHECK(x == 1);
  for (const Scalar x : values(net.norm.bias)) CHECK(x == 0);
  for (const Scalar x : values(net.a.bias)) CHECK(x == 0);
  // 600 normals of deviation 0.02: mean within 5 standard errors, variance too
  double sum = 0, squares = 0;
  for (const Scalar x : values(net.a.weight)) sum += double(x), squares += double(x) * double(x);
  CHECK(std::abs(sum / 600) < 5 * 0.02 / std::sqrt(600.0));
  CHECK(std::abs(squares / 600 / 0.0004 - 1) < 5 * std::sqrt(2.0 / 600));
  // kaiming_uniform_(a = sqrt(5)) of (5, 100): uniform in +-sqrt(6 / ((1 + 5) 100)) = +-0.1
  double largest = 0;
  sum = squares = 0;
  for (const Scalar x : values(net.lora)) {
    largest = std::max(largest, std::abs(double(x)));
    sum += double(x), squares += double(x) * double(x);
  }
  CHECK(largest <= 0.1);
  CHECK(largest > 0.097);
  CHECK(std::abs(sum / 500) < 5 * 0.1 / std::sqrt(3.0 * 500));
  CHECK(squares / 500 == doctest::Approx(0.01 / 3).epsilon(0.2));
  // the deviation is the parameter's own
  net.b.weight.init_std = 2;
  ParameterStore::fill_initial(net.b.weight, 7);
  squares = 0;
  for (const Scalar x : values(net.b.weight)) squares += double(x) * double(x);
  CHECK(squares / 600 == doctest::Approx(4).epsilon(0.25));
}

TEST_CASE("a position table that starts as sinusoids (Vaswani et al. 2017)") {
  struct Table : Module {
    Table() { declare(weight, "position.weight", {40, 8}, Role::embedding, -1, Init::sinusoids); }
    Parameter weight;
  } table;
  table.weight.init_std = 0.05;
  ParameterStore store(table);
  store.allocate();
  store.initialise(1);
  const Scalar* v = table.weight.value;
  const double scale = 0.05 * std::sqrt(2.0);
  CHECK(v[0] == doctest::Approx(0));
  CHECK(v[1] == doctest::Approx(scale));
  CHECK(v[3 * 8] == doctest::Approx(scale * std::sin(3.0)));
  CHECK(v[3 * 8 + 5] == doctest::Approx(scale * std::cos(3.0 / 100)));  // 10000^(4/8)
  // What makes it useful: the product of two rows is a function of their distance alone.
  const auto product = [&](int i, int j) {
    double sum = 0;
    for (int c = 0; c < 8; ++c)
      sum += static_cast<double>(v[i * 8 + c]) * static_cast<double>(v[j * 8 + c]);
    return sum;
  };
  CHECK(product(3, 5) == doctest::Approx(product(20, 22)).epsilon(1e-4));
  CHECK(product(3, 4) > product(3, 5));
}
