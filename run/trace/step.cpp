#include "run/trace/step.h"

#include <map>
#include <optional>

#include "engine/autograd/trace_places.h"
#include "engine/base/dry_run.h"
#include "engine/base/threads.h"
#include "engine/optim/adamw.h"
#include "engine/optim/clip.h"
#include "peft/count.h"
#include "run/learning_rate.h"
#include "run/trace/recorder.h"
#include "run/trace/subject.h"

namespace run {
namespace {

using engine::Counters;
using engine::Trace;

struct Recorded {
  Trace trace;  // parameters and ops
  std::vector<Recorder::Event> events;
  double loss = 0;
};

// Forward and, if anything trains, backward.
Recorded record(TraceSubject& subject, const FinetuneSettings& s, engine::Workspace& workspace) {
  Recorded recorded;
  Session& session = subject.session;
  engine::GraphOptions options;
  options.dropout = true;
  options.seed = s.seed;
  options.trace = &recorded.trace;
  Recorder recorder(workspace);
  options.listener = &recorder;
  engine::Graph g(workspace, options);
  recorder.begin();
  const engine::Tensor loss =
      session.task->loss(g, session.task->outputs(g, *session.model, subject.batch), subject.batch);
  if (!engine::DryRun::on()) recorded.loss = static_cast<double>(loss.value());
  if (g.needs(loss)) g.backward(loss);
  recorded.events = recorder.events();
  return recorded;
}

// While it lives, every parameter learns. Only in a dry run: gradients have no memory.
class AllTrainable {
 public:
  explicit AllTrainable(engine::ParameterStore& store) {
    for (engine::Parameter* p : store.all()) {
      before_.push_back({p, p->trainable, p->grad_written, p->grad, p->rows});
      p->trainable = !p->fixed;
      p->grad = p->value;
      p->rows = nullptr;
    }
  }
  ~AllTrainable() {
    for (const Before& b : before_) {
      b.parameter->trainable = b.trainable;
      b.parameter->grad_written = b.written;
      b.parameter->grad = b.grad;
      b.parameter->rows = b.rows;
    }
  }
  AllTrainable(const AllTrainable&) = delete;
  AllTrainable& operator=(const AllTrainable&) = delete;

 private:
  struct Before {
    engine::Parameter* parameter;
    bool trainable, written;
    engine::Scalar* grad;
    engine::WrittenRows* rows;
  };
  std::vector<Before> before_;
};

Recorded record_all_trainable(TraceSubject& subject, const FinetuneSettings& s) {
  const engine::DryRun dry;
  const Counters before = engine::counters();
  const AllTrainable all(*subject.session.store);
  engine::Workspace workspace;
  Recorded recorded = record(subject, s, workspace);
  engine::counters() = before;
  return recorded;
}

std::string name_of(const engine::Leaf& leaf) {
  return static_cast<const engine::Parameter&>(leaf).name;
}

// Work by the op whose forward or backward it was.
std::map<int32_t, Counters> work_of(const Recorded& recorded, bool backward) {
  std::map<int32_t, Counters> work;
  for (const Recorder::Event& event : recorded.events)
    if (event.backward == backward) work[event.output] = event.work;
  return work;
}

Counters sum(const Recorded& recorded) {
  Counters all;
  int64_t saved = 0;
  for (const Recorder::Event& event : recorded.events) {
    all.add(event.work);
    saved += event.work.saved_bytes;
  }
  all.saved_bytes = saved;
  return all;
}

std::vector<TracedOp> ops_of(const Recorded& recorded, const Recorded& everything) {
  const Trace& trace = recorded.trace;
  const auto places = engine::trace_places(trace, name_of);
  auto forward = work_of(recorded, false), backward = work_of(recorded, true),
       possible = work_of(everything, true);
  std::map<int32_t, size_t> entry_of;
  std::map<int32_t, int> op_of;
  std::vector<TracedOp> ops;
  engine::check(everything.trace.size() == trace.size(), "trace", "there are ", trace.size(),
                " entries, and ", everything.trace.size(), " where every parameter learns");
  for (size_t i = 0; i < trace.size(); ++i) {
    const engine::TraceEntry& entry = trace[i];
    engine::check(everything.trace[i].op == entry.op, "trace", "op ", i, " is ", entry.op, ", and ",
                  everything.trace[i].op, " where every parameter learns");
    entry_of[entry.output] = i;
    if (entry.leaf) continue;
    TracedOp op;
    op.op = entry.op;
    op.module = places[i].module;
    op.frame = places[i].frame;
    op.shape = entry.shape;
    op.recorded = entry.recorded;
    std::map<int32_t, int> place;  // of an id among the inputs
    for (const int32_t id : entry.inputs) {
      TraceInput input;
      place.emplace(id, static_cast<int>(op.inputs.size()));
      if (const auto found = entry_of.find(id); found != entry_of.end()) {
        const engine::TraceEntry& made = trace[found->second];
        input.shape = made.shape;
        input.trains = made.recorded;
        if (made.leaf)
          input.name = name_of(*made.leaf);
        else
          input.op = op_of.at(id);
      }
      op.inputs.push_back(std::move(input));
    }
    const auto as_input = [&](int32_t id) { return place.contains(id) ? place.at(id) : -1; };
    for (engine::SavedTensor saved : entry.saved) {
      saved.id = as_input(saved.id);
      for (int32_t& id : saved.wanted_for) id = as_input(id);
      op.saved.push_back(std::move(saved));
    }
    op.forward = forward[entry.output];
    op.backward = backward[entry.output];
    op.skipped = possible[entry.output].since(op.backward);
    op_of[entry.output] = static_cast<int>(ops.size());
    ops.push_back(std::move(op));
  }
  return ops;
}

// Forward and backward, with what waits for backward after each.
void add_steps(StepTrace& trace, const Recorded& recorded) {
  std::map<int32_t, int> op_of;
  int count = 0;
  int64_t waiting = 0;
  for (const engine::TraceEntry& entry : recorded.trace)
    if (!entry.leaf) op_of[entry.output] = count++;
  for (const Recorder::Event& event : recorded.events) {
    TraceStep step;
    step.pass = event.backward ? TraceStep::Pass::backward : TraceStep::Pass::forward;
    step.op = op_of.at(event.output);
    step.seconds = event.seconds;
    step.live_bytes = event.live_bytes;
    const int64_t saved = trace.ops[static_cast<size_t>(step.op)].forward.saved_bytes;
    waiting += event.backward ? -saved : saved;
    step.saved_bytes = waiting;
    trace.steps.push_back(step);
  }
}

void update(StepTrace& trace, Session& session, FinetuneSettings s) {
  choose_learning_rate(s, session);
  session.store->settle_gradients();
  engine::AdamW optimizer(session.store->block(), {.weight_decay = s.weight_decay});
  const engine::Timer timer;
  const engine::Clip clip = engine::clip_gradients(session.store->block(), s.max_grad_norm);
  const double clipped = timer.seconds();
  trace.grad_norm = clip.norm;
  trace.lr = s.lr;
  optimizer.step(trace.lr, clip.scale);
  const double all = timer.seconds();
  for (const auto& [what, seconds] :
       {std::pair{std::string("clip"), clipped}, {optimizer.name(), all - clipped}})
    trace.steps.push_back({TraceStep::Pass::update, -1, what, seconds, 0, 0});
}

}  // namespace

StepTrace trace_step(const TraceSettings& settings) {
  const FinetuneSettings& s = settings.finetune;
  std::optional<engine::DryRun> dry;
  if (settings.dry) dry.emplace();
  StepTrace trace;
  trace.threads = engine::set_threads(s.threads);
  TraceSubject subject = open_subject(settings);
  Session& session = subject.session;
  const Recorded everything = record_all_trainable(subject, s);
  engine::Workspace workspace;
  if (!settings.dry) record(subject, s, workspace);
  session.store->clear_gradients();
  const Recorded recorded = record(subject, s, workspace);

  trace.model = s.model;
  trace.model_type = session.source.config.facts.model_type;
  trace.strategy = session.strategy->spec();
  trace.task = session.task->info().name;
  trace.kind = session.task->info().kind;
  trace.sequences = subject.batch.sequences();
  trace.tokens = subject.batch.tokens();
  const peft::Count count = peft::count(*session.model);
  trace.total_parameters = count.total;
  trace.trainable_parameters = count.trainable;
  trace.timed = !settings.dry;
  trace.loss = recorded.loss;
  trace.ops = ops_of(recorded, everything);
  add_steps(trace, recorded);
  trace.made = sum(recorded);
  trace.all_trained = sum(everything);
  if (!settings.dry && count.trainable > 0) update(trace, session, s);
  return trace;
}

}  // namespace run
