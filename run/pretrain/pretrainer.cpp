#include "run/pretrain/pretrainer.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "engine/base/mapping.h"
#include "engine/base/peak.h"
#include "engine/base/philox.h"
#include "engine/base/threads.h"
#include "engine/base/version.h"
#include "models/pretrained.h"
#include "run/by_name.h"

namespace run {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;
using engine::Json;
using engine::mix;

namespace {

constexpr int64_t kTicks = 1 << 20;  // a schedule over parts of a budget
constexpr uint64_t kEvaluation = 0x6576616c;

Json scores_json(const std::vector<Score>& scores) {
  Json list = Json::array();
  for (const Score& s : scores) list.push_back({s.loss, s.correct, s.count});
  return list;
}

}  // namespace

// What all processes are told of an update: where in the corpus its parts begin.
struct Pretrainer::Order {
  int64_t step = 0;
  bool short_now = false;
  int64_t epoch[engine::Group::kMostParts] = {}, position[engine::Group::kMostParts] = {};
  double weight[engine::Group::kMostParts] = {};  // of each part's loss in the update's; sum 1
};

Pretrainer::Pretrainer(const PretrainSettings& settings, PretrainWatcher& watcher)
    : settings_(settings), watcher_(watcher) {
  settings_.check();
  if (settings_.threads <= 0) settings_.threads = omp_get_num_procs();
  const bool divides = settings_.threads <= settings_.grad_accumulation &&
                       settings_.grad_accumulation % settings_.threads == 0;
  const int workers = settings_.workers > 0 ? settings_.workers : divides ? settings_.threads : 1;
  if (workers > 1)
    omp_set_num_threads(settings_.threads);  // not pinned: the workers would be on the same core
  else
    engine::set_threads(settings_.threads);
  tokenizer_ = data::load_tokenizer(settings_.tokenizer);
  Json recorded = settings_.to_json();
  recorded["tokenizer"] = engine::parse_json(tokenizer_->describe().dump(), "tokenizer");
  using Start = engine::RunFolder::Start;
  folder_ = std::make_unique<engine::RunFolder>(settings_.out, recorded,
                                                settings_.resume ? Start::resume : Start::fresh,
                                                PretrainSettings::may_change());
  streams_ = open_streams(
      settings_, *tokenizer_,
      [&](const data::CorpusProgress& p) {
        watcher_.tokenising(p);
        return !watcher_.stop();
      },
      [&](const data::CorpusProgress& p, double seconds) { watcher_.tokenised(p, seconds); });
  make_model();
  reset_window();
  if (settings_.resume && fs::exists(folder_->state_file()))
    load();
  else if (settings_.resume)
    folder_->rewind(0);  // stopped before the first state was written: from the beginning
  if (workers > 1) omp_set_num_threads(1);
  make_trainer(workers);
  peak_gflops_ = settings_.peak_gflops > 0 ? settings_.peak_gflops
                                           : engine::measure_peak_gflops(settings_.threads);
  folder_->update({{"engine", engine::version()},
                   {"git", engine::git_revision()},
                   {"compiler", engine::compiler()},
                   {"processor", engine::machine().processor},
                   {"peak_gflops", peak_gflops_},
                   {"parameters", store_->total_count()},
                   {"corpus", engine::parse_json(streams_.corpus->description().dump(), "corpus")},
                   {"train_pieces", streams_.whole.packed->pieces()},
                   {"train_tokens", streams_.whole.packed->tokens()},
                   {"held_out_tokens", streams_.held_out.packed->tokens()}});
}

Pretrainer::~Pretrainer() = default;

void Pretrainer::make_model() {
  std::string spec = settings_.model;
  const char* type = settings_.objective == "rtd"       ? "electra"
                     : settings_.objective == "causal"  ? "gpt2"
                     : settings_.objective == "denoise" ? "bart"
                                                        : nullptr;
  if (type && models::is_random_model(spec) && spec.find("type=") == std::string::npos)
    spec += (spec.find(':') == std::string::npos ? ":type=" : ",type=") + std::string(type);
  models::ModelSource source =
      models::open_model(by_name(spec, Need::weights), tokenizer_->vocab_size());
  check(source.config.facts.vocab >= tokenizer_->vocab_size(), "pretrain", "the model has ",
        source.config.facts.vocab, " words and the tokenizer ", tokenizer_->vocab_size(),
        hint("pretraining needs the tokenizer of the model"));
  objective_ = make_objective(settings_, source.config, *tokenizer_);
  store_ = std::make_unique<engine::ParameterStore>(objective_->module());
  for (engine::Parameter* p : store_->all()) {
    p->trainable = !p->fixed;
    if (p->role == engine::Role::head || p->role == engine::Role::lm_head ||
        p->name.starts_with("generator"))
      p->required = false;
    if (settings_.positions == "sinusoids" &&
        (p->name.ends_with("position_embeddings.weight") || p->name.ends_with("wpe.weight") ||
         p->name.ends_with("embed_positions.weight")))
      p->init = engine::Init::sinusoids;
  }
  store_->allocate();
  models::load_weights(source, *store_, settings_.seed, true);
  optimizer_ = std::make_unique<engine::AdamW>(
      store_->block(),
      engine::AdamWOptions{
          .beta2 = settings_.beta2, .eps = 1e-6, .weight_decay = settings_.weight_decay});
  schedule_ = std::make_unique<engine::Schedule>(
      settings_.schedule, kTicks, engine::warmup_updates(kTicks, settings_.warmup_ratio));
}

void Pretrainer::make_trainer(int workers) {
  engine::TrainerOptions options;
  options.max_grad_norm = settings_.max_grad_norm;
  options.seed = settings_.seed;
  options.dropout = settings_.dropout > 0;
  options.skip_not_finite = true;
  trainer_ =
      std::make_unique<engine::Trainer>(workspace_, *store_, *optimizer_, *schedule_, options,
                                        [this](engine::Graph& g, const engine::TokenBatch& batch) {
                                          return objective_->loss(g, batch, key_, scores_);
                                        });
  const auto compute = [this](engine::Group::Order bytes, int part, engine::Group::Result& result) {
    Order order;
    std::memcpy(&order, bytes.data(), sizeof order);
    compute_part(order, part, result);
  };
  const int parts = settings_.grad_accumulation;
  group_ = workers > 1 ? engine::forked(workers, parts, store_->block(), compute,
                                        [this] { watcher_.worker(); })
                       : engine::alone(parts, store_->block(), compute);
}

double Pretrainer::used() const {
  double part = 0;
  if (settings_.steps > 0)
    part = std::max(part, static_cast<double>(step_) / static_cast<double>(settings_.steps));
  if (settings_.tokens > 0) part = std::max(part, tokens_ / settings_.tokens);
  if (settings_.minutes > 0) part = std::max(part, seconds() / (60 * settings_.minutes));
  return std::min(part, 1.0);
}

// In this process or in a worker.
void Pretrainer::compute_part(const Order& order, int part, engine::Group::Result& result) {
  Stream& stream = streams_.training(order.short_now);
  const double flops = engine::counters().flops();
  const auto number = static_cast<uint64_t>(order.step * settings_.grad_accumulation + part);
  stream.batches->seek(order.epoch[part], order.position[part]);
  stream.batches->next(batch_, part_tokens());
  objective_->pose(batch_, settings_.seed, number);
  key_ = mix(settings_.seed, number);
  scores_.assign(objective_->parts().size(), {});
  engine::Update unused;
  trainer_->begin();
  trainer_->add(batch_, order.weight[part], number, unused);
  store_->settle_gradients();
  result.numbers[0] = static_cast<double>(batch_.tokens() + batch_.output.tokens());
  result.numbers[1] = engine::counters().flops() - flops;
  for (size_t i = 0; i < scores_.size(); ++i) {
    result.numbers[2 + 3 * i] = scores_[i].loss;
    result.numbers[3 + 3 * i] = scores_[i].correct;
    result.numbers[4 + 3 * i] = scores_[i].count;
  }
}

void Pretrainer::update() {
  const double lr = settings_.lr * schedule_->factor(static_cast<int64_t>(used() * kTicks));
  const double begin = timer_.seconds();
  Order order;
  order.step = step_;
  order.short_now = short_now();
  data::CorpusBatches& batches = *streams_.training(order.short_now).batches;
  double all = 0;
  for (int part = 0; part < settings_.grad_accumulation; ++part) {
    order.epoch[part] = batches.epoch();
    order.position[part] = batches.position();
    batches.next(batch_, part_tokens());
    all += order.weight[part] = objective_->weight(batch_);
  }
  for (int part = 0; part < settings_.grad_accumulation; ++part) order.weight[part] /= all;
  const int64_t epoch = batches.epoch(), position = batches.position();
  const auto results = group_->run(order);
  batches.seek(epoch, position);  // computing a part has moved it
  for (const engine::Group::Result& result : results) {
    tokens_ += result.numbers[0];
    window_.tokens += result.numbers[0];
    window_.flops += result.numbers[1];
    for (size_t i = 0; i < window_.scores.size(); ++i)
      window_.scores[i].add(
          {result.numbers[2 + 3 * i], result.numbers[3 + 3 * i], result.numbers[4 + 3 * i]});
  }
  engine::Update made;
  if (!trainer_->apply(lr, made)) {
    ++window_.skipped;
    check(window_.skipped < settings_.log_every, "pretrain", "the gradients of ", window_.skipped,
          " updates in a row are not finite",
          hint("a smaller --lr, or a longer --warmup-ratio; the last checkpoint is as it was"));
  }
  ++step_;
  window_.lr = lr;
  window_.grad_norm = made.grad_norm;
  window_.seconds += timer_.seconds() - begin;
}

void Pretrainer::reset_window() {
  window_ = {};
  window_.scores.assign(objective_->parts().size(), {});
}

void Pretrainer::log() {
  Json line = {{"step", step_}, {"tokens", tokens_}, {"seconds", seconds()}};
  const auto& names = objective_->parts();
  for (size_t i = 0; i < names.size(); ++i) {
    line[names[i] + "_loss"] = window_.scores[i].mean();
    line[names[i] + "_accuracy"] = window_.scores[i].accuracy();
  }
  line["lr"] = window_.lr;
  line["grad_norm"] = window_.grad_norm;
  line["tokens_per_second"] = window_.tokens / window_.seconds;
  line["part_of_peak"] = window_.flops / window_.seconds * 1e-9 / peak_gflops_;
  if (window_.skipped > 0) line["skipped"] = window_.skipped;
  folder_->append(line);
}

std::vector<Score> Pretrainer::evaluate() {
  std::vector<Score> scores(objective_->parts().size());
  streams_.held_out.batches->seek(0, 0);  // the same sequences with the same masks every time
  double tokens = 0;
  const auto most = std::min(static_cast<double>(settings_.eval_tokens),
                             static_cast<double>(streams_.held_out.packed->tokens()));
  for (uint64_t number = 0; tokens < most && streams_.held_out.batches->epoch() == 0; ++number) {
    streams_.held_out.batches->next(batch_, std::min<int64_t>(part_tokens(), 4096));
    const uint64_t seed = mix(settings_.seed, kEvaluation);
    objective_->pose(batch_, seed, number);
    engine::Graph g(workspace_, {.record = false});
    objective_->loss(g, batch_, mix(seed, number), scores);
    tokens += static_cast<double>(batch_.tokens() + batch_.output.tokens());
  }
  return scores;
}

void Pretrainer::write_evaluation() {
  const std::vector<Score> scores = evaluate();
  const auto& names = objective_->parts();
  Json line = {{"step", step_}, {"tokens", tokens_}, {"seconds", seconds()}};
  for (size_t i = 0; i < names.size(); ++i) {
    line["held_out_" + names[i] + "_loss"] = scores[i].mean();
    line["held_out_" + names[i] + "_accuracy"] = scores[i].accuracy();
  }
  folder_->append(line);
  folder_->update({{"last", line}});
  watcher_.evaluated(*this, scores);
}

void Pretrainer::save() {
  const fs::path model = settings_.out / "model";
  fs::create_directories(model);
  tokenizer_->save(model);  // whole every time: a kill may have come between its files
  engine::check_mappings_unchanged();
  objective_->save(model, *store_);
  engine::TrainingState state;
  state.step = step_;
  state.epoch = streams_.whole.batches->epoch();
  state.batch = streams_.whole.batches->position();
  state.optimizer = optimizer_->name();
  state.optimizer_steps = optimizer_->steps();
  state.app = {
      {"tokens", tokens_}, {"seconds", seconds()}, {"corpus_tokens", streams_.corpus->tokens()}};
  if (streams_.brief.batches)
    state.app["short"] = {streams_.brief.batches->epoch(), streams_.brief.batches->position()};
  state.app["window"] = {{"scores", scores_json(window_.scores)},
                         {"tokens", window_.tokens},
                         {"flops", window_.flops},
                         {"seconds", window_.seconds},
                         {"skipped", window_.skipped}};
  engine::save_training_state(folder_->state_file(), state, *store_, optimizer_->state());
}

void Pretrainer::load() {
  const engine::TrainingState state = engine::load_training_state(
      folder_->state_file(), optimizer_->name(), *store_, optimizer_->state());
  const std::string where = folder_->state_file().string();
  check(engine::get<int64_t>(state.app, "corpus_tokens", where) == streams_.corpus->tokens(),
        "pretrain", "the run was trained on another corpus than the one in the cache",
        hint("give the --cache of the run"));
  check(state.step >= 0 && state.optimizer_steps >= 0 && state.optimizer_steps <= state.step, where,
        "is at step ", state.step, " with ", state.optimizer_steps,
        " steps of the optimizer, where no run is",
        hint("put the run's own state back, or begin a new run; nothing was changed"));
  step_ = state.step;
  optimizer_->set_steps(state.optimizer_steps);
  tokens_ = engine::get<double>(state.app, "tokens", where);
  seconds_before_ = engine::get<double>(state.app, "seconds", where);
  streams_.whole.batches->seek(state.epoch, state.batch);
  if (streams_.brief.batches) {
    const auto at = engine::get<std::vector<int64_t>>(state.app, "short", where);
    check(at.size() == 2, where, "is not a state of this program");
    streams_.brief.batches->seek(at[0], at[1]);
  }
  const Json window = engine::get<Json>(state.app, "window", where);
  const auto scores = engine::get<std::vector<std::vector<double>>>(window, "scores", where);
  for (size_t i = 0; i < scores.size() && i < window_.scores.size(); ++i)
    window_.scores[i] = {scores[i].at(0), scores[i].at(1), scores[i].at(2)};
  window_.tokens = engine::get<double>(window, "tokens", where);
  window_.flops = engine::get<double>(window, "flops", where);
  window_.seconds = engine::get<double>(window, "seconds", where);
  window_.skipped = engine::get<int64_t>(window, "skipped", where);
  folder_->rewind(step_);
}

bool Pretrainer::run() {
  timer_.restart();
  watcher_.begun(*this);
  engine::Timer since_save;
  // The step of the last evaluation that the metrics hold: a run that was stopped during its first
  // evaluation has that line already.
  int64_t evaluated = -1;
  const std::string key = "held_out_" + objective_->parts()[0] + "_loss";
  for (const Json& line : engine::read_metrics(folder_->metrics_file()))
    if (line.contains(key)) evaluated = engine::get<int64_t>(line, "step", "metrics.jsonl");
  if (step_ == 0 && evaluated < 0) {
    write_evaluation();
    evaluated = 0;
  }
  while (used() < 1 && !watcher_.stop()) {
    update();
    watcher_.stepped(*this);
    if (step_ % settings_.log_every == 0) {
      log();
      reset_window();
    }
    if (settings_.eval_every > 0 && step_ % settings_.eval_every == 0) {
      write_evaluation();
      evaluated = step_;
    }
    if (since_save.seconds() >= settings_.save_every) {
      save();
      since_save.restart();
    }
    if (step_ == abandon_) return false;
  }
  if (used() >= 1 && evaluated != step_) write_evaluation();
  save();
  folder_->update(
      {{"finished", used() >= 1}, {"steps", step_}, {"tokens", tokens_}, {"seconds", seconds()}});
  watcher_.ended(*this, used() >= 1);
  return used() >= 1;
}

}  // namespace run
