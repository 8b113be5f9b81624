#include "run/finetune.h"

#include <cmath>

#include "data/batcher.h"
#include "engine/base/mapping.h"
#include "engine/base/threads.h"
#include "engine/base/timer.h"
#include "engine/base/version.h"
#include "engine/io/hash.h"
#include "engine/io/run_folder.h"
#include "engine/io/training_state.h"
#include "engine/nn/precision.h"
#include "engine/optim/adamw.h"
#include "engine/tensor/gemm.h"
#include "engine/train/profile.h"
#include "engine/train/trainer.h"
#include "peft/adapter_file.h"
#include "run/evaluate.h"
#include "run/features.h"
#include "run/latency.h"
#include "run/learning_rate.h"
#include "run/position.h"
#include "run/schedule.h"
#include "run/text_scores.h"

namespace run {

namespace fs = std::filesystem;
using engine::Json;

namespace {

constexpr const char* kOptimizer = "adamw";

class Run {
 public:
  Run(FinetuneSettings settings, Watcher& watcher)
      : settings_(std::move(settings)),
        watcher_(watcher),
        session_(open_session(settings_)),
        batches_(session_.splits.at("train"), settings_.batch_size, settings_.seed,
                 settings_.shuffle),
        updates_(total_updates(settings_, batches_.batches_per_epoch())),
        schedule_(make_schedule(settings_, updates_)) {
    choose_learning_rate(settings_, session_);
    if (settings_.piece_tokens == engine::kPiecesByWidth)
      settings_.piece_tokens = engine::default_piece_tokens(*session_.model);
    if (settings_.max_length == 0) settings_.max_length = session_.max_length;
    engine::check(session_.splits.at("train").labelled(), session_.task->info().name,
                  "the training data has no labels");
    if (settings_.cache_features) features_ = std::make_unique<Features>(session_);
  }

  RunResult execute() {
    Json identity = settings_.to_json();
    identity["data_hash"] = session_.data_hash;
    identity["model_hash"] = session_.model_hash;
    engine::RunFolder folder(
        settings_.out, identity,
        settings_.resume ? engine::RunFolder::Start::resume : engine::RunFolder::Start::fresh,
        FinetuneSettings::may_change());
    folder_ = &folder;
    at_.run = run_identity(identity);
    engine::AdamWOptions adamw;
    adamw.weight_decay = settings_.weight_decay;
    engine::AdamW optimizer(session_.store->block(), adamw);
    optimizer_ = &optimizer;
    if (settings_.resume) restore();
    folder.update(describe_run(session_, settings_));
    watcher_.opened(session_, settings_, updates_);
    if (settings_.cache_features && !compute_features()) return stopped();
    if (settings_.resume) watcher_.resumed(optimizer.steps());
    return train() ? finish() : stopped();
  }

 private:
  void restore() {
    const fs::path file = folder_->state_file();
    if (!fs::exists(file)) {  // stopped before the first state was written: begin again
      folder_->rewind(0);
      return;
    }
    const engine::TrainingState state =
        engine::load_training_state(file, kOptimizer, *session_.store, optimizer_->state());
    Position before = Position::from_json(state.app);
    check_belongs(state, before, at_.run,
                  {updates_, batches_.batches_per_epoch(), settings_.grad_accumulation},
                  file.string());
    before.run = at_.run;
    at_ = std::move(before);
    optimizer_->set_steps(state.optimizer_steps);
    batches_.seek(state.epoch, state.batch);
    folder_->rewind(state.step);
    if (at_.lines >= 0 && folder_->lines() < at_.lines)
      session_.notes.push_back(engine::concat(
          "metrics.jsonl has lost lines: it has ", folder_->lines(), " up to update ", state.step,
          ", and ", at_.lines, " were written; the training itself is not touched"));
  }

  void save_state() {
    count_work();
    engine::check_mappings_unchanged();  // weights that another program wrote to are not saved
    at_.lines = folder_->lines();
    engine::TrainingState state;
    state.step = state.optimizer_steps = optimizer_->steps();
    state.epoch = batches_.epoch();
    state.batch = batches_.batch_in_epoch();
    state.optimizer = kOptimizer;
    if (at_.best_step) state.best_metric = at_.best_score;
    state.app = at_.to_json();
    engine::save_training_state(folder_->state_file(), state, *session_.store, optimizer_->state());
    since_save_.restart();
  }

  // Moves what the counters and clocks have gathered into the totals.
  void count_work() {
    const engine::Counters now = engine::counters();
    RunTotals& t = at_.totals;
    t.gemm_calls += now.gemms() - seen_.gemms();
    t.forward_flops += now.forward.flops - seen_.forward.flops;
    t.input_gradient_flops += now.input_gradient.flops - seen_.input_gradient.flops;
    t.weight_gradient_flops += now.weight_gradient.flops - seen_.weight_gradient.flops;
    t.recomputed_flops += now.recomputed.flops - seen_.recomputed.flops;
    t.pool_bytes_peak = std::max(t.pool_bytes_peak, workspace_.pool.peak_bytes());
    t.resident_bytes_peak = std::max(t.resident_bytes_peak, engine::peak_resident_bytes());
    t.seconds += since_count_.seconds();
    since_count_.restart();
    seen_ = now;
  }

  // Whether it was finished.
  bool compute_features() {
    const engine::Timer timer;
    int64_t examples = 0;
    bool stopped = false;
    const auto go_on = [&](int64_t done, int64_t all) {
      examples = all;
      watcher_.features(done, all);
      stopped = stopped || watcher_.stop();
      return !stopped;
    };
    try {
      features_->compute(workspace_, settings_.eval_batch_size, go_on);
    } catch (const engine::Error&) {
      if (!stopped) throw;
      return false;
    }
    watcher_.features_kept(examples, timer.seconds(), features_->bytes());
    folder_->update({{"features", {{"seconds", timer.seconds()}, {"bytes", features_->bytes()}}}});
    return true;
  }

  engine::Tensor outputs(engine::Graph& g, const std::string& split,
                         const engine::TokenBatch& batch) {
    if (features_) return session_.model->head(g, features_->rows(g, split, batch));
    return session_.task->outputs(g, *session_.model, batch);
  }

  // With kept features only the head runs: there is nothing to cut.
  int64_t piece_tokens() const { return features_ ? 0 : settings_.piece_tokens; }

  tasks::Predictions predictions_of(const std::string& split) {
    return predict(*session_.task, workspace_, session_.splits.at(split), settings_.eval_batch_size,
                   piece_tokens(), [&](engine::Graph& g, const engine::TokenBatch& batch) {
                     return outputs(g, split, batch);
                   });
  }

  bool train() {
    engine::Profile profile;
    engine::TrainerOptions options;
    options.lr = settings_.lr;
    options.max_grad_norm = settings_.max_grad_norm;
    options.grad_accumulation = settings_.grad_accumulation;
    options.piece_tokens = piece_tokens();
    options.seed = settings_.seed;
    if (settings_.profile) options.listener = &profile;
    engine::Trainer trainer(
        workspace_, *session_.store, *optimizer_, schedule_, options,
        [&](engine::Graph& g, const engine::TokenBatch& batch) {
          return session_.task->loss(g, outputs(g, "train", batch), batch);
        },
        [&](const engine::TokenBatch& batch) { return session_.task->terms(batch); });
    watcher_.training(session_, optimizer_->steps(), updates_);
    seen_ = engine::counters();
    since_count_.restart();
    since_save_.restart();
    bool more = at_.evaluated_at != optimizer_->steps() || settings_.patience == 0 ||
                at_.evaluations_without_gain < settings_.patience;
    while (more && trainer.updates() < updates_) {
      engine::watch_load();
      if (watcher_.stop()) {
        watcher_.trained();
        save_state();
        return false;
      }
      const int64_t epoch = batches_.epoch();
      const engine::Timer timer;
      bool first = true;
      engine::Update u = trainer.update([&](engine::TokenBatch& batch) {
        if (!first && batches_.batch_in_epoch() == 0) return false;  // the epoch is over
        first = false;
        const engine::Timer packing;
        batches_.next(batch);
        if (settings_.profile) profile.other("batch", packing.seconds());
        if (settings_.profile) profile.begin_step();
        return true;
      });
      u.loss *= session_.task->loss_unit();
      at_.totals.train_seconds += timer.seconds();
      if (settings_.profile) profile.other("optimizer", u.optimizer_seconds);
      at_.totals.tokens += u.tokens;
      at_.totals.saved_bytes_peak = std::max(at_.totals.saved_bytes_peak, u.saved_bytes);
      log(u);
      const bool epoch_done = batches_.epoch() != epoch;
      if (u.step == updates_ ||
          (settings_.eval_every ? u.step % settings_.eval_every == 0 : epoch_done))
        more = evaluate_dev(u.step);
      if (since_save_.seconds() >= static_cast<double>(settings_.save_every)) save_state();
    }
    if (at_.evaluated_at != optimizer_->steps() && !session_.dev_splits().empty())
      evaluate_dev(optimizer_->steps());
    watcher_.trained();
    if (settings_.profile) {
      const fs::path trace = fs::path(settings_.out) / "trace.json";
      profile.write_trace(trace);
      watcher_.profiled(profile, trace);
    }
    return true;
  }

  void log(const engine::Update& u) {
    at_.loss_sum += u.loss;
    ++at_.loss_count;
    watcher_.stepped(u, at_.loss_sum / static_cast<double>(at_.loss_count), at_.totals);
    if (u.step != 1 && u.step % settings_.log_every != 0 && u.step != updates_) return;
    folder_->append({{"step", u.step},
                     {"loss", at_.loss_sum / static_cast<double>(at_.loss_count)},
                     {"lr", u.lr},
                     {"grad_norm", u.grad_norm},
                     {"epoch", batches_.epoch()},
                     {"tokens", at_.totals.tokens},
                     {"seconds", at_.totals.train_seconds}});
    at_.loss_sum = 0;
    at_.loss_count = 0;
  }

  // Whether training should go on.
  bool evaluate_dev(int64_t step) {
    const std::vector<std::string> names = session_.dev_splits();
    if (names.empty()) return true;
    metrics_ = Json::object();
    for (const std::string& name : names) {
      const data::EncodedSplit& split = session_.splits.at(name);
      metrics_[name] = session_.task->score(predictions_of(name), split);
    }
    const double score = selection_score(metrics_, settings_.metric);
    at_.evaluated_at = step;
    folder_->append({{"step", step}, {"eval", metrics_}});
    watcher_.evaluated(session_, step, metrics_);
    if (settings_.patience == 0) return true;
    if (score > at_.best_score) {
      at_.best_score = score;
      at_.best_step = step;
      at_.evaluations_without_gain = 0;
      engine::save_parameters(best_file(), session_.store->trainable());
      at_.best_hash = engine::hash_file(best_file());
      return true;
    }
    return ++at_.evaluations_without_gain < settings_.patience;
  }

  fs::path best_file() const { return fs::path(settings_.out) / "best.safetensors"; }

  RunResult stopped() {
    Json fields = describe_totals(at_.totals);
    fields["status"] = "interrupted";
    fields["steps"] = optimizer_->steps();
    folder_->update(fields);
    watcher_.stopped(optimizer_->steps(), updates_);
    return {folder_->record(), false};
  }

  RunResult finish() {
    // With --patience the run ends as it was at its best evaluation; without, as it is. The record
    // says which.
    const bool to_best =
        settings_.patience > 0 && at_.best_step != 0 && at_.best_step != optimizer_->steps();
    save_state();
    if (to_best) {
      engine::check(
          at_.best_hash.empty() || engine::hash_file(best_file()) == at_.best_hash,
          best_file().string(), "is not what the run wrote at step ", at_.best_step,
          engine::hint("was it damaged or exchanged? Put it back and --resume, or begin a "
                       "new run"));
      const engine::Checkpoint best(best_file());
      for (engine::Parameter* p : session_.store->trainable()) {
        const engine::SafeTensor* tensor = best.find(p->name);
        engine::check(tensor != nullptr, best_file().string(), "has no ", p->name);
        engine::load_parameter(*tensor, *p, *session_.store);
      }
    }
    session_.task->fold(*session_.model);
    std::map<std::string, tasks::Predictions> predictions;
    Json metrics = Json::object(), test_metrics = Json::object();
    for (const std::string& name : session_.dev_splits()) {
      const data::EncodedSplit& split = session_.splits.at(name);
      predictions[name] = predictions_of(name);
      metrics[name] = session_.task->score(predictions[name], split);
    }
    for (const std::string& name : session_.test_splits()) {
      predictions[name] = predictions_of(name);
      const data::EncodedSplit& split = session_.splits.at(name);
      if (split.labelled()) test_metrics[name] = session_.task->score(predictions[name], split);
      if (!data::is_glue_task(session_.task->info().key)) continue;
      const fs::path submission = fs::path(settings_.out) / "submission";
      fs::create_directories(submission);
      data::write_submission(submission / data::submission_file(session_.task->info(), name),
                             session_.task->info(), predictions[name].predicted);
    }
    engine::check_mappings_unchanged();
    write_predictions(fs::path(settings_.out) / "predictions.tsv", session_, predictions);
    peft::AdapterInfo info;
    info.base_model = settings_.model;
    info.base_hash = session_.model_hash;
    if (settings_.language())
      info.task_type =
          session_.source.config.facts.encodes_and_decodes() ? "SEQ_2_SEQ_LM" : "CAUSAL_LM";
    peft::save_adapter(fs::path(settings_.out) / "adapter", *session_.strategy, *session_.store,
                       info, session_.model->sites());
    write_known(fs::path(settings_.out) / "adapter", session_.known(settings_));
    count_work();
    Json fields = describe_totals(at_.totals);
    fields["status"] = "finished";
    fields["metrics"] = metrics;
    if (!test_metrics.empty()) fields["test_metrics"] = test_metrics;
    fields["steps"] = optimizer_->steps();
    fields["epochs"] = static_cast<double>(batches_.epoch()) +
                       static_cast<double>(batches_.batch_in_epoch()) /
                           static_cast<double>(batches_.batches_per_epoch());
    fields["learning_rate"] = settings_.lr;
    fields["selection"] = settings_.patience > 0
                              ? Json{{"kind", "best dev score"},
                                     {"metric", settings_.metric},
                                     {"step", at_.best_step}}
                              : Json{{"kind", "last"}, {"step", optimizer_->steps()}};
    if (settings_.text_tables() > 0 && session_.dataset.has("dev")) {
      const Json texts = score_texts(session_, settings_, workspace_, watcher_);
      if (texts.is_null()) return stopped();
      fields["text_scores"] = texts;
      watcher_.text_scored(texts);
    }
    folder_->update(fields);
    watcher_.finished(session_, settings_, metrics, test_metrics, at_.totals, optimizer_->steps());
    const Latency latency = measure_latency(session_, workspace_);
    Json inference = {{"examples", latency.examples}, {"milliseconds", latency.milliseconds}};
    if (latency.merged) inference["merged_milliseconds"] = *latency.merged;
    folder_->update({{"inference", inference}});
    return {folder_->record(), true};
  }

  FinetuneSettings settings_;
  Watcher& watcher_;
  Session session_;
  data::TrainBatches batches_;
  int64_t updates_;
  engine::Schedule schedule_;
  engine::Workspace workspace_;
  std::unique_ptr<Features> features_;  // with --cache-features
  engine::RunFolder* folder_ = nullptr;
  engine::AdamW* optimizer_ = nullptr;
  Position at_;
  Json metrics_ = Json::object();
  engine::Counters seen_;
  engine::Timer since_count_, since_save_;
};

}  // namespace

RunResult finetune(FinetuneSettings settings, Watcher& watcher) {
  settings.check();
  check_rules(settings);
  settings.threads = engine::set_threads(settings.threads);
  engine::set_deterministic(settings.deterministic);
  engine::set_precision(engine::parse_precision(settings.precision, settings.weights));
  if (settings.out.empty()) {
    std::string strategy = settings.strategy.empty() ? "full" : settings.strategy;
    for (char& c : strategy)
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_') c = '-';
    settings.out = engine::concat(
        "runs/", settings.task.empty() ? fs::path(settings.train).stem().string() : settings.task,
        "-", strategy, "-", settings.seed);
  }
  return Run(std::move(settings), watcher).execute();
}

}  // namespace run
