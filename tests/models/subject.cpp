#include "tests/models/subject.h"

#include <cstring>

namespace testing {

std::vector<engine::TokenBatch> golden_batches(const std::string& model) {
  const std::string own =
      std::filesystem::exists(model_folder(model) / "batch.json") ? model : "bert";
  std::vector<engine::TokenBatch> batches;
  const Json golden = golden_json(own, "batch.json");
  for (const Json& entry : golden["batches"]) {
    engine::TokenBatch batch;
    for (const Json& sequence : entry["sequences"]) {
      for (const Json& id : sequence["input_ids"]) batch.ids.push_back(id.get<int32_t>());
      for (const Json& type : sequence["token_type_ids"])
        batch.types.push_back(type.get<int32_t>());
      batch.segments.add(static_cast<int32_t>(sequence["input_ids"].size()));
      batch.labels.push_back(sequence["label"].get<double>());
    }
    REQUIRE(batch.segments.starts == entry["segments"].get<std::vector<int32_t>>());
    batches.push_back(std::move(batch));
  }
  return batches;
}

std::string slug(const std::string& spec) {
  for (const Json& entry : engine::json_file(golden("models/specs.json")))
    if (entry["spec"] == spec) return entry["file"].get<std::string>();
  FAIL("no golden for ", spec);
  return "";
}

engine::TokenBatch pick(const engine::TokenBatch& batch, const std::vector<int>& sequences) {
  engine::TokenBatch out;
  for (const int s : sequences) {
    const auto begin = batch.segments.begin(s), end = begin + batch.segments.length(s);
    out.ids.insert(out.ids.end(), batch.ids.begin() + begin, batch.ids.begin() + end);
    out.types.insert(out.types.end(), batch.types.begin() + begin, batch.types.begin() + end);
    out.segments.add(end - begin);
    out.labels.push_back(batch.labels[static_cast<size_t>(s)]);
  }
  return out;
}

engine::TokenBatch random_batch(int sequences, int length, int vocab, int classes, uint64_t seed) {
  engine::Random random(seed);
  engine::TokenBatch batch;
  for (int s = 0; s < sequences; ++s) {
    for (int i = 0; i < length; ++i)
      batch.ids.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab))));
    batch.types.insert(batch.types.end(), static_cast<size_t>(length), 0);
    batch.segments.add(length);
    batch.labels.push_back(static_cast<double>(random.below(static_cast<uint64_t>(classes))));
  }
  return batch;
}

double distance(const Matrix& a, const Json& rows) {
  REQUIRE(a.rows() == static_cast<int64_t>(rows.size()));
  double worst = 0;
  for (int64_t r = 0; r < a.rows(); ++r) {
    const Json& row = rows[static_cast<size_t>(r)];
    REQUIRE(a.cols() == static_cast<int64_t>(row.size()));
    for (int64_t c = 0; c < a.cols(); ++c) {
      const double d = distance(a(r, c), row[static_cast<size_t>(c)].get<double>());
      worst = std::isnan(d) ? d : std::max(worst, d);
    }
  }
  return worst;
}

double distance(const Matrix& a, const Matrix& b) {
  REQUIRE(a.rows() == b.rows());
  REQUIRE(a.cols() == b.cols());
  double worst = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double d = distance(a.data()[i], b.data()[i]);
    worst = std::isnan(d) ? d : std::max(worst, d);
  }
  return worst;
}

bool same_bits(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<size_t>(a.size()) * sizeof(Scalar)) == 0;
}

Subject::Subject(const std::string& from, const std::string& spec, const SubjectOptions& options) {
  const bool is_golden = std::filesystem::exists(model_folder(from) / "config.json");
  source = models::open_model(is_golden ? model_folder(from).string() : from, 64);
  if (options.num_labels) models::set_labels(source.config, options.num_labels, {});
  source.config.set_dropout(options.dropout);
  model = std::make_unique<models::SequenceClassifier>(source.config);
  strategy = peft::make_strategy(spec);
  sites = model->sites();
  peft::apply(*strategy, sites, *model);
  store = std::make_unique<engine::ParameterStore>(*model);
  store->allocate();
  report = models::load_weights(source, *store, options.seed, options.allow_head_mismatch);
  workspace.pool.set_poison(true);  // reading what was never written gives NaN
  if (!options.golden_init) return;
  size_t injected = 0;
  const auto init = model_folder(from) / "init" / (slug(spec) + ".safetensors");
  for (engine::Parameter* p : store->all()) {
    if (p->role != engine::Role::injected) continue;
    ++injected;
    engine::load_parameter(engine::Safetensors::open(init).at(p->name), *p, *store);
  }
  if (std::filesystem::exists(init))
    REQUIRE(engine::Safetensors::open(init).tensors().size() == injected);
  else
    REQUIRE(injected == 0);
}

namespace {
engine::GraphOptions inference() {
  engine::GraphOptions options;
  options.record = false;
  return options;
}
}  // namespace

Matrix Subject::logits(const engine::TokenBatch& batch) {
  engine::Graph g(workspace, inference());
  return model->logits(g, batch).mat();
}

Matrix Subject::hidden(const engine::TokenBatch& batch) {
  engine::Graph g(workspace, inference());
  return model->encode(g, batch).mat();
}

double Subject::loss(const engine::TokenBatch& batch) {
  engine::Graph g(workspace, inference());
  return *model->loss(g, model->logits(g, batch), batch).data();
}

double Subject::backward(const engine::TokenBatch& batch, const engine::GraphOptions& options) {
  store->clear_gradients();
  engine::Graph g(workspace, options);
  const engine::Tensor loss = model->loss(g, model->logits(g, batch), batch);
  g.backward(loss);
  store->settle_gradients();
  return *loss.data();
}

std::vector<std::vector<Scalar>> Subject::values() const {
  std::vector<std::vector<Scalar>> out;
  for (const engine::Parameter* p : store->all()) out.emplace_back(p->value, p->value + p->count());
  return out;
}

engine::Parameter& Subject::at(const std::string& name) const {
  engine::Parameter* p = store->find(name);
  REQUIRE_MESSAGE(p != nullptr, "no parameter ", name);
  return *p;
}

Matrix Subject::gradient(const std::string& name) const {
  const engine::Parameter& p = at(name);
  REQUIRE_MESSAGE(p.grad != nullptr, name, " is frozen");
  return engine::ConstMatrixMap(p.grad, p.shape.rows, p.shape.cols);
}

}  // namespace testing
