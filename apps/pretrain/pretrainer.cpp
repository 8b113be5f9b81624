#include "apps/pretrain/pretrainer.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "apps/common/format.h"
#include "apps/common/signals.h"
#include "engine/base/peak.h"
#include "engine/base/philox.h"
#include "engine/base/threads.h"
#include "engine/base/version.h"
#include "engine/optim/clip.h"
#include "models/pretrained.h"

namespace apps {

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

Pretrainer::Pretrainer(const PretrainOptions& options) : options_(options) {
  options_.check();
  if (options_.threads <= 0) options_.threads = omp_get_num_procs();
  const bool divides = options_.threads <= options_.grad_accumulation &&
                       options_.grad_accumulation % options_.threads == 0;
  const int workers = options_.workers > 0 ? options_.workers : divides ? options_.threads : 1;
  if (workers > 1)
    omp_set_num_threads(options_.threads);  // not pinned: the workers would be on the same core
  else
    engine::set_threads(options_.threads);
  tokenizer_ = data::load_tokenizer(options_.tokenizer);
  masking_ = std::make_unique<data::Masking>(
      *tokenizer_,
      data::MaskingOptions{.rate = options_.mask_rate, .whole_words = options_.whole_word});
  Json settings = options_.to_json();
  settings["tokenizer"] = engine::parse_json(tokenizer_->describe().dump(), "tokenizer");
  using Start = engine::RunFolder::Start;
  folder_ = std::make_unique<engine::RunFolder>(options_.out, settings,
                                                options_.resume ? Start::resume : Start::fresh,
                                                PretrainOptions::may_change());
  open_corpus();
  make_model();
  schedule_ = std::make_unique<engine::Schedule>(
      options_.schedule, kTicks, engine::warmup_updates(kTicks, options_.warmup_ratio));
  window_.scores.assign(objective_->parts().size(), {});
  if (options_.resume && fs::exists(folder_->state_file()))
    load();
  else if (options_.resume)
    folder_->rewind(0);  // stopped before the first state was written: from the beginning
  if (workers > 1) omp_set_num_threads(1);
  workers_ = std::make_unique<Workers>(
      workers, options_.grad_accumulation, store_->block(),
      [this](const Workers::Order& order, int part, Workers::Result& result) {
        compute_part(order, part, result);
      });
  peak_gflops_ = options_.peak_gflops > 0 ? options_.peak_gflops
                                          : engine::measure_peak_gflops(options_.threads);
  folder_->update({{"engine", engine::version()},
                   {"git", engine::git_revision()},
                   {"compiler", engine::compiler()},
                   {"processor", engine::machine().processor},
                   {"peak_gflops", peak_gflops_},
                   {"parameters", store_->total_count()},
                   {"corpus", engine::parse_json(corpus_->description().dump(), "corpus")},
                   {"train_pieces", long_.packed->pieces()},
                   {"train_tokens", long_.packed->tokens()},
                   {"held_out_tokens", held_out_.packed->tokens()}});
}

Pretrainer::~Pretrainer() = default;

void Pretrainer::say(const std::string& line) {
  if (progress_)
    progress_->note(line);
  else if (!options_.quiet)
    std::cerr << line << std::endl;
}

void Pretrainer::open_corpus() {
  const fs::path cache = options_.cache.empty() ? options_.out / "corpus.cache" : options_.cache;
  if (!fs::exists(cache)) {
    check(!options_.corpus.empty(), "pretrain", "there is no corpus cache ", cache.string(),
          hint("give --corpus, to make it"));
    Progress progress(0, {.label = "tokenise", .now = {}});
    const engine::Timer timer;
    const data::CorpusProgress done = data::write_corpus_cache(
        std::vector<fs::path>(options_.corpus.begin(), options_.corpus.end()), *tokenizer_, cache,
        [&](const data::CorpusProgress& p) {
          if (!options_.quiet && progress.due(p.paragraphs))
            progress.update(p.paragraphs, {{"documents", format_count(p.documents)},
                                           {"tokens", format_count(p.tokens)}});
          return !stop_requested();
        });
    progress.finish();
    say("corpus: " + format_count(done.documents) + " documents, " + format_count(done.paragraphs) +
        " paragraphs, " + format_count(done.tokens) + " tokens in " +
        format_seconds(timer.seconds()));
  }
  corpus_ = std::make_unique<data::Corpus>(cache, *tokenizer_);
  const auto stream = [&](int length, data::PackedCorpus::Part part, uint64_t salt) {
    data::PackingOptions packing;
    packing.max_length = length;
    packing.hold_out_every = options_.held_out;
    packing.pairs = options_.pairs;
    packing.halves = options_.halves;
    packing.seed = mix(options_.seed, salt);
    Stream s;
    s.packed = std::make_unique<data::PackedCorpus>(*corpus_, *tokenizer_, part, packing);
    s.batches = std::make_unique<data::CorpusBatches>(*s.packed);
    return s;
  };
  long_ = stream(options_.max_length, data::PackedCorpus::Part::train, 1);
  if (options_.short_length > 0)
    short_ = stream(options_.short_length, data::PackedCorpus::Part::train, 2);
  held_out_ = stream(options_.max_length, data::PackedCorpus::Part::held_out, 3);
}

void Pretrainer::make_model() {
  std::string spec = options_.model;
  if (options_.objective == "rtd" && models::is_random_model(spec) &&
      spec.find("type=") == std::string::npos)
    spec += std::string(spec.find(':') == std::string::npos ? ":" : ",") + "type=electra";
  models::ModelSource source = models::open_model(spec, tokenizer_->vocab_size());
  check(source.config.facts.vocab >= tokenizer_->vocab_size(), "pretrain", "the model has ",
        source.config.facts.vocab, " words and the tokenizer ", tokenizer_->vocab_size(),
        hint("pretraining needs the tokenizer of the model"));
  objective_ = make_objective(options_, source.config);
  store_ = std::make_unique<engine::ParameterStore>(objective_->module());
  for (engine::Parameter* p : store_->all()) {
    p->trainable = true;
    if (p->role == engine::Role::head || p->role == engine::Role::lm_head ||
        p->name.starts_with("generator"))
      p->required = false;
    if (options_.positions == "sinusoids" && p->name.ends_with("position_embeddings.weight"))
      p->init = engine::Init::sinusoids;
  }
  store_->allocate();
  models::load_weights(source, *store_, options_.seed, true);
  optimizer_ = std::make_unique<engine::AdamW>(
      store_->block(),
      engine::AdamWOptions{
          .beta2 = options_.beta2, .eps = 1e-6, .weight_decay = options_.weight_decay});
}

double Pretrainer::used() const {
  double part = 0;
  if (options_.steps > 0)
    part = std::max(part, static_cast<double>(step_) / static_cast<double>(options_.steps));
  if (options_.tokens > 0) part = std::max(part, tokens_ / options_.tokens);
  if (options_.minutes > 0) part = std::max(part, seconds() / (60 * options_.minutes));
  return std::min(part, 1.0);
}

// One part of an update, in this process or in a worker.
void Pretrainer::compute_part(const Workers::Order& order, int part, Workers::Result& result) {
  const int parts = options_.grad_accumulation;
  Stream& stream = order.short_now ? short_ : long_;
  const double flops = engine::counters().flops();
  const auto number = static_cast<uint64_t>(order.step) * static_cast<uint64_t>(parts) +
                      static_cast<uint64_t>(part);
  stream.batches->seek(order.epoch[part], order.position[part]);
  stream.batches->next(batch_, options_.batch_tokens / parts);
  masking_->apply(batch_, options_.seed, number, masked_);
  store_->clear_gradients();
  std::vector<Score> scores(objective_->parts().size());
  {
    engine::Graph g(workspace_,
                    {.dropout = options_.dropout > 0, .seed = options_.seed, .step = number});
    const engine::Tensor loss =
        objective_->loss(g, batch_, masked_, mix(options_.seed, number), scores);
    g.backward(loss, engine::Scalar(1) / static_cast<engine::Scalar>(parts));
  }
  store_->settle_gradients();
  result.numbers[0] = static_cast<double>(batch_.tokens());
  result.numbers[1] = engine::counters().flops() - flops;
  for (size_t i = 0; i < scores.size(); ++i) {
    result.numbers[2 + 3 * i] = scores[i].loss;
    result.numbers[3 + 3 * i] = scores[i].correct;
    result.numbers[4 + 3 * i] = scores[i].count;
  }
}

void Pretrainer::update() {
  const double lr = options_.lr * schedule_->factor(static_cast<int64_t>(used() * kTicks));
  const double begin = timer_.seconds();
  Workers::Order order;
  order.step = step_;
  order.short_now = short_now();
  data::CorpusBatches& batches = *(order.short_now ? short_ : long_).batches;
  for (int part = 0; part < options_.grad_accumulation; ++part) {
    order.epoch[part] = batches.epoch();
    order.position[part] = batches.position();
    batches.next(batch_, options_.batch_tokens / options_.grad_accumulation);
  }
  const int64_t epoch = batches.epoch(), position = batches.position();
  const auto results = workers_->run(order);
  batches.seek(epoch, position);  // computing a part has moved it
  for (const Workers::Result& result : results) {
    tokens_ += result.numbers[0];
    window_.tokens += result.numbers[0];
    window_.flops += result.numbers[1];
    for (size_t i = 0; i < window_.scores.size(); ++i)
      window_.scores[i].add(
          {result.numbers[2 + 3 * i], result.numbers[3 + 3 * i], result.numbers[4 + 3 * i]});
  }
  const engine::Clip clip = engine::clip_gradients(store_->block(), options_.max_grad_norm);
  if (clip.finite()) {
    optimizer_->step(lr, clip.scale);
  } else {
    ++window_.skipped;
    check(window_.skipped < options_.log_every, "pretrain", "the gradients of ", window_.skipped,
          " updates in a row are not finite",
          hint("a smaller --lr, or a longer --warmup-ratio; the last checkpoint is as it was"));
  }
  ++step_;
  window_.lr = lr;
  window_.grad_norm = clip.norm;
  window_.seconds += timer_.seconds() - begin;
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
  held_out_.batches->seek(0, 0);  // the same sequences with the same masks every time
  double tokens = 0;
  const auto most = std::min(static_cast<double>(options_.eval_tokens),
                             static_cast<double>(held_out_.packed->tokens()));
  for (uint64_t number = 0; tokens < most && held_out_.batches->epoch() == 0; ++number) {
    held_out_.batches->next(
        batch_, std::min<int64_t>(options_.batch_tokens / options_.grad_accumulation, 4096));
    masking_->apply(batch_, mix(options_.seed, kEvaluation), number, masked_);
    engine::Graph g(workspace_, {.record = false});
    objective_->loss(g, batch_, masked_, mix(mix(options_.seed, kEvaluation), number), scores);
    tokens += static_cast<double>(batch_.tokens());
  }
  return scores;
}

void Pretrainer::write_evaluation() {
  const std::vector<Score> scores = evaluate();
  const auto& names = objective_->parts();
  Json line = {{"step", step_}, {"tokens", tokens_}, {"seconds", seconds()}};
  last_evaluation_.clear();
  for (size_t i = 0; i < names.size(); ++i) {
    line["held_out_" + names[i] + "_loss"] = scores[i].mean();
    line["held_out_" + names[i] + "_accuracy"] = scores[i].accuracy();
    last_evaluation_ += (i ? ", " : "") + names[i] + " loss " + format_number(scores[i].mean(), 4) +
                        ", accuracy " + format_percent(100 * scores[i].accuracy());
  }
  folder_->append(line);
  folder_->update({{"last", line}});
  say("step " + format_count(step_) + ", " + format_count(static_cast<int64_t>(tokens_)) +
      " tokens, held out: " + last_evaluation_);
}

void Pretrainer::save() {
  const fs::path model = options_.out / "model";
  fs::create_directories(model);
  if (!fs::exists(model / "tokenizer_config.json")) tokenizer_->save(model);
  objective_->save(model, *store_);
  engine::TrainingState state;
  state.step = step_;
  state.epoch = long_.batches->epoch();
  state.batch = long_.batches->position();
  state.optimizer = optimizer_->name();
  state.optimizer_steps = optimizer_->steps();
  state.app = {{"tokens", tokens_}, {"seconds", seconds()}, {"corpus_tokens", corpus_->tokens()}};
  if (short_.batches) state.app["short"] = {short_.batches->epoch(), short_.batches->position()};
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
  check(engine::get<int64_t>(state.app, "corpus_tokens", where) == corpus_->tokens(), "pretrain",
        "the run was trained on another corpus than the one in the cache",
        hint("give the --cache of the run"));
  step_ = state.step;
  optimizer_->set_steps(state.optimizer_steps);
  tokens_ = engine::get<double>(state.app, "tokens", where);
  seconds_before_ = engine::get<double>(state.app, "seconds", where);
  long_.batches->seek(state.epoch, state.batch);
  if (short_.batches) {
    const auto at = engine::get<std::vector<int64_t>>(state.app, "short", where);
    check(at.size() == 2, where, "is not a state of this program");
    short_.batches->seek(at[0], at[1]);
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

void Pretrainer::show() {
  const auto at = static_cast<int64_t>(1000 * used());
  if (!progress_ || !progress_->due(at)) return;
  const Score& main = window_.scores[0];
  const double speed = window_.seconds > 0 ? window_.tokens / window_.seconds : 0;
  progress_->update(
      at, {{"step", format_count(step_)},
           {"loss", format_number(main.mean(), 3)},
           {"accuracy", format_percent(100 * main.accuracy())},
           {"lr", format_significant(window_.lr, 3)},
           {"", format_rate(speed) + " tokens/s"},
           {"", format_percent(100 * (window_.seconds > 0
                                          ? window_.flops / window_.seconds * 1e-9 / peak_gflops_
                                          : 0)) +
                    " of peak"}});
}

bool Pretrainer::run() {
  timer_.restart();
  say(options_.objective + ": " + format_count(store_->total_count()) + " parameters, " +
      format_count(long_.packed->tokens()) + " tokens to train on, " +
      format_count(held_out_.packed->tokens()) + " held out, peak " +
      format_number(peak_gflops_, 0) + " GFLOP/s" +
      (step_ > 0 ? ", resumed at step " + format_count(step_) : ""));
  if (!options_.quiet)
    progress_ = std::make_unique<Progress>(
        1000,
        ProgressOptions{
            .label = options_.objective, .first = static_cast<int64_t>(1000 * used()), .now = {}});
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
  while (used() < 1 && !stop_requested()) {
    update();
    show();
    if (step_ % options_.log_every == 0) {
      log();
      window_ = {};
      window_.scores.assign(objective_->parts().size(), {});
    }
    if (options_.eval_every > 0 && step_ % options_.eval_every == 0) {
      write_evaluation();
      evaluated = step_;
    }
    if (since_save.seconds() >= options_.save_every) {
      save();
      since_save.restart();
    }
    if (step_ == abandon_) return false;
  }
  if (used() >= 1 && evaluated != step_) write_evaluation();
  save();
  folder_->update(
      {{"finished", used() >= 1}, {"steps", step_}, {"tokens", tokens_}, {"seconds", seconds()}});
  if (progress_) progress_->finish();
  say(used() >= 1 ? "finished: " + last_evaluation_ + "; " + (options_.out / "model").string()
                  : "stopped at step " + format_count(step_) + "; go on with --resume");
  return used() >= 1;
}

}  // namespace apps
