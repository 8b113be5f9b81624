#include "engine/nn/parameter_store.h"

#include <algorithm>
#include <cmath>

#include "engine/base/dry_run.h"
#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "engine/tensor/memory.h"
#include "engine/tensor/parallel.h"

namespace engine {

static std::shared_ptr<BFloat16> allocate_half(int64_t n) {
  constexpr int64_t kIn = sizeof(Scalar) / sizeof(BFloat16);
  const std::shared_ptr<Scalar> memory = allocate_scalars((n + kIn - 1) / kIn);
  return {memory, reinterpret_cast<BFloat16*>(memory.get())};
}

ParameterStore::ParameterStore(Module& root, Precision precision) : precision_(precision) {
  root.visit([&](Parameter& p) {
    const bool fresh = by_name_.emplace(p.name, &p).second;
    check(fresh, "parameters", "two parameters are named ", p.name,
          hint("the same strategy twice at one site? '+' joins different ones"));
    all_.push_back(&p);
  });
}

void ParameterStore::allocate() {
  check(!allocated_, "parameters", "allocate() was called twice");
  allocated_ = true;
  for (const bool decays : {true, false})
    for (Parameter* p : all_)
      if (p->trainable && p->decays() == decays) {
        trainable_.push_back(p);
        block_.size += p->count();
        if (decays) block_.decayed += p->count();
      }
  if (DryRun::on()) {
    for (Parameter* p : all_) {
      if (!holds_as_half(*p)) p->value = dry_address();
      if (holds_as_half(*p) || (precision_ == Precision::bf16 && p->may_be_half))
        p->half = {reinterpret_cast<BFloat16*>(dry_address()), arithmetic()};
    }
    block_.value = block_.grad = dry_address();
  } else {
    const auto values = allocate_scalars(block_.size), grads = allocate_scalars(block_.size);
    memory_.push_back(values);
    memory_.push_back(grads);
    block_.value = values.get();
    block_.grad = grads.get();
    std::fill_n(block_.grad, block_.size, Scalar(0));
  }
  int64_t offset = 0;
  for (Parameter* p : trainable_) {
    p->value = block_.value + offset;
    p->grad = block_.grad + offset;
    p->grad_written = false;
    if (p->role == Role::embedding || p->looked_up) {
      written_rows_.push_back(std::make_unique<WrittenRows>(p->shape.rows));
      p->rows = written_rows_.back().get();
      block_.tables.push_back({offset, p->shape.rows, p->shape.cols, p->rows});
    }
    offset += p->count();
  }
}

Parameter* ParameterStore::find(const std::string& name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

bool ParameterStore::has_base() const {
  return std::any_of(all_.begin(), all_.end(), [](const Parameter* p) { return p->in_base; });
}

std::vector<std::string> ParameterStore::fresh() const {
  std::vector<std::string> names;
  if (!has_base()) return names;
  for (const Parameter* p : all_)
    if (!p->loaded && p->role != Role::injected) names.push_back(p->name);
  return names;
}

int64_t ParameterStore::total_count() const {
  int64_t n = 0;
  for (const Parameter* p : all_) n += p->count();
  return n;
}

int64_t ParameterStore::trainable_count() const {
  int64_t n = 0;
  for (const Parameter* p : all_)
    if (p->trainable) n += p->count();
  return n;
}

int64_t ParameterStore::held_bytes() const {
  int64_t bytes = 0;
  for (const Parameter* p : all_) bytes += p->held_bytes();
  return bytes;
}

Scalar* ParameterStore::own(Parameter& p) {
  check(allocated_, "parameters", "values of ", p.name, " before allocate()");
  DryRun::refuse(p.name);
  if (p.trainable) return p.value;
  const auto memory = allocate_scalars(p.count());
  memory_.push_back(memory);
  p.value = memory.get();
  p.half = {};
  return p.value;
}

bool ParameterStore::holds_as_half(const Parameter& p) const {
  return precision_ != Precision::fp32 && p.may_be_half && !p.trainable;
}

BFloat16* ParameterStore::own_half(Parameter& p) {
  check(allocated_ && holds_as_half(p), "parameters", p.name, " is not held as BF16");
  DryRun::refuse(p.name);
  const auto memory = allocate_half(p.count());
  memory_.push_back(memory);
  p.half = {memory.get(), arithmetic()};
  return memory.get();
}

void ParameterStore::borrow_half(Parameter& p, const BFloat16* data,
                                 std::shared_ptr<const void> keeper) {
  check(allocated_ && holds_as_half(p), "parameters", p.name, " is not held as BF16");
  p.half = {data, arithmetic()};
  keep_alive(std::move(keeper));
}

void ParameterStore::refresh_half() {
  for (Parameter* p : trainable_) refresh_half(*p);
}

void ParameterStore::refresh_half(Parameter& p) {
  if (precision_ != Precision::bf16 || !p.may_be_half || !p.trainable) return;
  if (!p.half) {
    const auto memory = allocate_half(p.count());
    memory_.push_back(memory);
    p.half = {memory.get(), arithmetic()};
  }
  auto* const to = const_cast<BFloat16*>(p.half.data);
  parallel_for(p.shape.rows, p.shape.cols, [&](int64_t begin, int64_t end) {
    const int64_t at = begin * p.shape.cols;
    narrow(p.value + at, (end - begin) * p.shape.cols, to + at);
  });
}

void ParameterStore::keep_alive(std::shared_ptr<const void> keeper) {
  if (std::find(memory_.begin(), memory_.end(), keeper) == memory_.end())
    memory_.push_back(std::move(keeper));
}

void ParameterStore::borrow(Parameter& p, const Scalar* data, std::shared_ptr<const void> keeper) {
  check(allocated_ && !p.trainable, "parameters", p.name,
        " is trainable and needs memory of its own");
  // Read-only pages: a write faults, so the hardware enforces "frozen".
  p.value = const_cast<Scalar*>(data);
  keep_alive(std::move(keeper));
}

void ParameterStore::initialise(uint64_t seed) {
  for (const bool derived : {false, true})
    for (Parameter* p : all_) {
      if (p->loaded || (p->init == Init::derived) != derived) continue;
      if (holds_as_half(*p)) {
        Parameter wide = *p;
        std::vector<Scalar> values(static_cast<size_t>(p->count()));
        wide.value = values.data();
        fill_initial(wide, seed);
        narrow(wide.value, p->count(), own_half(*p));
        continue;
      }
      own(*p);
      fill_initial(*p, seed);
    }
  refresh_half();
}

// Rows r: sin(r / 10000^(2i / d)) and cos of the same, side by side, scaled to a standard deviation
// of about init_std.
static void fill_sinusoids(Parameter& p) {
  const int64_t d = p.shape.cols;
  for (int64_t r = 0; r < p.shape.rows; ++r)
    for (int64_t c = 0; c < d; ++c) {
      const double angle =
          static_cast<double>(r) *
          std::pow(10000.0, -static_cast<double>(c / 2 * 2) / static_cast<double>(d));
      p.value[r * d + c] = static_cast<Scalar>(p.init_std * std::sqrt(2.0) *
                                               (c % 2 ? std::cos(angle) : std::sin(angle)));
    }
}

void ParameterStore::fill_initial(Parameter& p, uint64_t seed) {
  const int64_t n = p.count();
  if (p.init == Init::derived) {
    p.derive(p.value, seed);
    return;
  }
  if (p.init == Init::zeros || p.init == Init::ones) {
    std::fill_n(p.value, n, p.init == Init::ones ? Scalar(1) : Scalar(0));
    return;
  }
  if (p.init == Init::sinusoids) {
    fill_sinusoids(p);
    return;
  }
  Random random(mix(seed, name_key(p.name)));
  // torch.nn.init.kaiming_uniform_(a = sqrt(5)): bound = sqrt(6 / ((1 + a^2) fan_in)) = 1 /
  // sqrt(fan_in)
  const double bound = 1.0 / std::sqrt(static_cast<double>(p.shape.cols));
  for (int64_t i = 0; i < n; ++i)
    p.value[i] = static_cast<Scalar>(p.init == Init::normal ? p.init_std * random.normal()
                                                            : bound * (2 * random.uniform() - 1));
}

void ParameterStore::clear_gradients() {
  for (Parameter* p : trainable_) p->grad_written = false;
}

void ParameterStore::settle_gradients() {
  for (Parameter* p : trainable_)
    if (!std::exchange(p->grad_written, true)) p->zero_grad();
}

}  // namespace engine
