#include "models/generate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/philox.h"
#include "engine/tensor/parallel.h"
#include "models/causal.h"
#include "models/cross.h"
#include "models/next_token.h"

namespace models {
namespace {

using engine::check;
using engine::Graph;
using engine::hint;
using engine::KvCache;
using engine::Tensor;

using Ids = std::vector<int32_t>;

// A sequence being written: the prompt, then what is new.
struct Written {
  int prompt = 0;  // its number
  size_t prompt_length = 0;
  Ids ids;
  double log_probability = 0;

  int count() const { return static_cast<int>(ids.size() - prompt_length); }
  Ids fresh() const {
    return {ids.begin() + static_cast<std::ptrdiff_t>(prompt_length), ids.end()};
  }
};

// The model on some sequences: logits of what comes next, from what it has not read yet.
class Reader {
 public:
  // `sources`: what an encoder reads for each sequence; of a causal model none.
  Reader(Model& model, VocabularyHead& head, engine::Workspace& workspace, int sequences,
         std::vector<Ids> sources)
      : model_(model),
        head_(head),
        workspace_(workspace),
        sources_(std::move(sources)),
        cache_(sources_.empty() ? model.facts().layers : model.facts().decoder_layers,
               model.sites().kv.width(), sequences) {}

  // Scores of the next id by row, for sequences that end with ids the cache does not have.
  std::vector<std::vector<float>> next(const std::vector<Written>& sequences) {
    const bool encoded = !sources_.empty();
    engine::Batch batch;
    engine::Tokens& written = encoded ? batch.output : batch;
    for (size_t s = 0; s < sequences.size(); ++s) {
      const Ids& ids = sequences[s].ids;
      add(written, std::span(ids).last(cache_.empty() ? ids.size() : 1));
    }
    if (memory_.empty())
      for (const Ids& ids : sources_) add(batch, ids);
    engine::RowSelection last;
    last.choose_last(written.segments);
    Graph g(workspace_, {.record = false});
    const Tensor logits = head_.logits(
        g,
        model_.encode(g, batch,
                      {.rows = &last, .cache = &cache_, .sources = encoded ? &memory_ : nullptr}));
    std::vector<std::vector<float>> scores(sequences.size());
    for (size_t s = 0; s < sequences.size(); ++s) {
      const auto row = logits.row_array(static_cast<int64_t>(s));
      scores[s].assign(row.data(), row.data() + row.size());
    }
    return scores;
  }
  void keep(const std::vector<int>& parents) {
    cache_.reorder(parents);
    if (!sources_.empty()) memory_.reorder(parents);
  }

 private:
  static void add(engine::Tokens& to, std::span<const int32_t> ids) {
    to.ids.insert(to.ids.end(), ids.begin(), ids.end());
    to.segments.add(static_cast<int32_t>(ids.size()));
  }

  Model& model_;
  VocabularyHead& head_;
  engine::Workspace& workspace_;
  std::vector<Ids> sources_;
  KvCache cache_;
  CrossMemory memory_;
};

bool ends(const GenerateOptions& o, int32_t id) {
  return std::find(o.end.begin(), o.end.end(), id) != o.end.end();
}
bool stops(const GenerateOptions& o, const Written& w) { return o.stops && o.stops(w.fresh()); }
bool interrupted(const GenerateOptions& o) { return o.interrupted && o.interrupted(); }
// Results by prompt, each told once.
class Results {
 public:
  Results(const GenerateOptions& o, size_t prompts) : o_(o), all_(prompts) {}
  void done(int prompt, Generated g) {
    if (o_.on_done) o_.on_done(prompt, g);
    unfinished(prompt, std::move(g));
  }
  void unfinished(int prompt, Generated g) { all_[static_cast<size_t>(prompt)] = std::move(g); }
  std::vector<Generated> take() { return std::move(all_); }

 private:
  const GenerateOptions& o_;
  std::vector<Generated> all_;
};

// fn(row) for all rows, by the team.
template <class F>
void for_rows(size_t rows, F&& fn) {
  engine::parallel_items(static_cast<int64_t>(rows),
                         [&](int64_t r, int) { fn(static_cast<size_t>(r)); });
}

// One id a step for every sequence: the likeliest, or drawn.
void search(Reader& reader, std::vector<Written> active, const GenerateOptions& o,
            Results& results) {
  while (!active.empty()) {
    if (interrupted(o)) {
      for (const Written& w : active)
        results.unfinished(w.prompt, {w.fresh(), w.log_probability, w.log_probability, false});
      return;
    }
    std::vector<std::vector<float>> scores = reader.next(active);
    std::vector<int32_t> chosen(active.size());
    for_rows(active.size(), [&](size_t r) {
      Written& w = active[r];
      std::vector<float> log_p = scores[r];
      log_softmax(log_p);
      process_scores(o, w.ids, w.count(), scores[r]);
      int32_t id = 0;
      if (o.sample) {
        warp_scores(o, 1, scores[r]);
        // A function of seed, prompt and place, so that a batch's other prompts do not matter.
        const auto bits = engine::philox(engine::mix(o.seed, static_cast<uint64_t>(w.prompt)),
                                         static_cast<uint64_t>(w.count()), 0x67656e65ull);
        id = draw(scores[r], (bits[0] + 0.5) / 4294967296.0);
      } else {
        id = likeliest(scores[r]);
      }
      w.log_probability += static_cast<double>(log_p[static_cast<size_t>(id)]);
      w.ids.push_back(id);
      chosen[r] = id;
    });
    std::vector<int> parents;
    std::vector<Written> next;
    for (size_t r = 0; r < active.size(); ++r) {
      Written& w = active[r];
      if (o.on_token) o.on_token(w.prompt, chosen[r]);
      const bool ended = ends(o, chosen[r]) || stops(o, w);
      if (ended || w.count() == most_new_ids(o, w.prompt_length)) {
        results.done(w.prompt, {w.fresh(), w.log_probability, w.log_probability, ended});
        continue;
      }
      parents.push_back(static_cast<int>(r));
      next.push_back(std::move(w));
    }
    reader.keep(parents);
    active = std::move(next);
  }
}

// Beam search of transformers, for one prompt. Every step takes the K best continuations of all
// running beams, K = (1 + end ids) * beams: those among the first `beams` that end are finished,
// the best others run on. It is over when no running beam can beat the worst finished one.
class Beams {
 public:
  Beams(Written prompt, const GenerateOptions& options)
      : o_(options),
        limit_(most_new_ids(options, prompt.prompt_length)),
        running_(1, {prompt, 0}) {}

  std::vector<Written> sequences() const {
    std::vector<Written> all;
    for (const Beam& b : running_) all.push_back(b.written);
    return all;
  }
  size_t count() const { return running_.size(); }

  // `scores`: logits by running beam. Returns the parents of the beams that run on, none when the
  // search is over.
  std::vector<int> step(std::span<std::vector<float>> scores) {
    const std::vector<Candidate> best = continuations(scores);
    const int length = running_.front().written.count() + 1;
    const double divisor = std::pow(static_cast<double>(length), o_.length_penalty);
    std::vector<Beam> next;
    std::vector<int> parents;
    bool all_stop = true;
    for (size_t i = 0; i < best.size(); ++i) {
      const Candidate& c = best[i];
      Beam beam = running_[static_cast<size_t>(c.parent)];
      beam.written.ids.push_back(c.id);
      beam.written.log_probability += c.log_probability;
      beam.score = c.score;
      const bool ended = ends(o_, c.id) || stops(o_, beam.written);
      if (ended || length == limit_) {
        if (i < static_cast<size_t>(o_.beams)) finish(std::move(beam), c.score / divisor, ended);
        continue;
      }
      all_stop = false;
      if (next.size() < static_cast<size_t>(o_.beams)) {
        next.push_back(std::move(beam));
        parents.push_back(c.parent);
      }
    }
    const bool full = finished_.size() == static_cast<size_t>(o_.beams);
    if (all_stop || (full && o_.early_stopping)) return {};
    if (full && next.front().score / divisor <= finished_.back().score) return {};
    running_ = std::move(next);
    return parents;
  }

  Generated result() const {
    const Finished& best = finished_.front();
    return {best.written.fresh(), best.written.log_probability, best.score, best.ended};
  }

 private:
  struct Beam {
    Written written;
    double score;  // sum of processed log-probabilities
  };
  struct Finished {
    Written written;
    double score;
    bool ended;
  };
  struct Candidate {
    int parent;
    int32_t id;
    double score, log_probability;
  };

  std::vector<Candidate> continuations(std::span<std::vector<float>> scores) const {
    const size_t wanted = std::max<size_t>(2, 1 + o_.end.size()) * static_cast<size_t>(o_.beams);
    std::vector<std::vector<Candidate>> by_beam(running_.size());
    for_rows(running_.size(), [&](size_t r) {
      const Beam& beam = running_[r];
      std::vector<float>& row = scores[r];
      log_softmax(row);
      const std::vector<float> log_p = row;
      process_scores(o_, beam.written.ids, beam.written.count(), row);
      std::vector<int32_t> order(row.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
      const size_t k = std::min(wanted, order.size());
      const auto better = [&](int32_t a, int32_t b) {
        const float x = row[static_cast<size_t>(a)], y = row[static_cast<size_t>(b)];
        return x > y || (x == y && a < b);
      };
      std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                        better);
      for (size_t i = 0; i < k; ++i) {
        const auto id = static_cast<size_t>(order[i]);
        if (std::isinf(row[id])) break;
        by_beam[r].push_back({static_cast<int>(r), order[i],
                              beam.score + static_cast<double>(row[id]),
                              static_cast<double>(log_p[id])});
      }
    });
    std::vector<Candidate> all;
    for (const auto& some : by_beam) all.insert(all.end(), some.begin(), some.end());
    check(!all.empty(), "generate", "no id may come next: all are suppressed or would repeat");
    std::stable_sort(all.begin(), all.end(),
                     [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    all.resize(std::min(all.size(), wanted));
    return all;
  }

  void finish(Beam beam, double score, bool ended) {
    finished_.push_back({std::move(beam.written), score, ended});
    std::stable_sort(finished_.begin(), finished_.end(),
                     [](const Finished& a, const Finished& b) { return a.score > b.score; });
    if (finished_.size() > static_cast<size_t>(o_.beams)) finished_.pop_back();
  }

  const GenerateOptions& o_;
  int64_t limit_;
  std::vector<Beam> running_;
  std::vector<Finished> finished_;  // the best first
};

void beam_search(Reader& reader, const std::vector<Written>& prompts, const GenerateOptions& o,
                 Results& results) {
  std::vector<Beams> searches;
  for (const Written& prompt : prompts) searches.emplace_back(prompt, o);
  while (!searches.empty() && !interrupted(o)) {
    std::vector<Written> rows;
    for (const Beams& search : searches)
      for (Written& w : search.sequences()) rows.push_back(std::move(w));
    std::vector<std::vector<float>> scores = reader.next(rows);
    std::vector<Beams> next;
    std::vector<int> parents;
    size_t first = 0;
    for (Beams& search : searches) {
      const size_t count = search.count();
      const int prompt = rows[first].prompt;
      const std::vector<int> kept = search.step(std::span(scores).subspan(first, count));
      for (const int parent : kept) parents.push_back(static_cast<int>(first) + parent);
      if (kept.empty())
        results.done(prompt, search.result());
      else
        next.push_back(std::move(search));
      first += count;
    }
    reader.keep(parents);
    searches = std::move(next);
  }
}

void check_options(const GenerateOptions& o) {
  check(o.max_new_tokens > 0 && o.min_new_tokens >= 0, "generate", "max_new_tokens is ",
        o.max_new_tokens, ", min_new_tokens ", o.min_new_tokens);
  check(o.max_length >= 0 && o.min_length >= 0, "generate", "max_length is ", o.max_length,
        ", min_length ", o.min_length);
  check(o.beams > 0 && o.no_repeat_ngram >= 0 && o.batch > 0, "generate", o.beams, " beams, ",
        o.no_repeat_ngram, " as the size of n-grams, ", o.batch, " prompts at once");
  check(o.beams == 1 || !o.sample, "generate", "beams do not sample here",
        hint("give one of num_beams, or temperature, top_k and top_p"));
  check(o.temperature > 0, "generate", "temperature is ", o.temperature, "; it must be positive",
        hint("greedy search takes the likeliest id"));
  check(o.top_p > 0 && o.top_p <= 1 && o.min_p >= 0 && o.min_p <= 1 && o.top_k >= 0, "generate",
        "top_p is ", o.top_p, ", min_p ", o.min_p, ", top_k ", o.top_k);
  check(o.repetition_penalty > 0, "generate", "repetition_penalty is ", o.repetition_penalty);
}

// Every prompt as a text to be continued, or the start id of what is written about it.
std::vector<Written> begin_all(const Facts& facts, const engine::Sites& sites,
                               const std::vector<Ids>& prompts, const GenerateOptions& options) {
  const bool encoded = facts.encodes_and_decodes();
  const int64_t prompt_rows = sites.words ? sites.words->prompt_length() : 0;
  const int64_t front = positions_in_front(sites) - (encoded ? prompt_rows : 0);
  const int64_t room = (encoded ? facts.longest_output : facts.longest) - front;
  const int32_t start = options.decoder_start >= 0 ? options.decoder_start : facts.decoder_start;
  check(!encoded || (start >= 0 && start < facts.vocab), "generate",
        "nothing says with which id an output begins",
        hint("decoder_start_token_id in config.json or generation_config.json"));
  std::vector<Written> all;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const Ids& ids = prompts[i];
    check(!ids.empty(), "generate", "prompt ", i + 1, " is empty", hint("give it a begin token"));
    const auto given = static_cast<int64_t>(ids.size());
    const int64_t read = encoded ? facts.longest - prompt_rows : room - 1;
    check(given <= read, "generate", "prompt ", i + 1, " has ", given,
          " tokens, and the model has ", encoded ? read : room, " positions",
          hint("shorten the prompt"));
    Written w{static_cast<int>(i), 0, encoded ? Ids{start} : ids, 0};
    w.prompt_length = w.ids.size();
    const auto length = static_cast<int64_t>(w.prompt_length);
    const int64_t more = most_new_ids(options, w.prompt_length);
    check(more > 0, "generate", "prompt ", i + 1, " has ", length, " tokens, and max_length is ",
          options.max_length, hint("--max-new-tokens counts only what is new"));
    check(length + more <= room, "generate", "prompt ", i + 1, " has ", length,
          " tokens and is to get ", more, " more, but the model has ", room, " positions",
          hint("give --max-new-tokens ", room - length));
    all.push_back(std::move(w));
  }
  return all;
}

}  // namespace

std::vector<Generated> Generator::run(const std::vector<Ids>& prompts,
                                      const GenerateOptions& options) {
  check_options(options);
  check(model_.facts().writes(), "generate", "model_type '", model_.facts().model_type,
        "' reads both ways and cannot write",
        hint("give a causal model or an encoder-decoder: gpt2, llama, ..., bart"));
  const std::vector<Written> all = begin_all(model_.facts(), model_.sites(), prompts, options);
  Results results(options, prompts.size());
  for (size_t begin = 0; begin < all.size() && !interrupted(options);
       begin += static_cast<size_t>(options.batch)) {
    const size_t end = std::min(all.size(), begin + static_cast<size_t>(options.batch));
    const std::vector<Written> some(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                    all.begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<Ids> sources;
    if (model_.facts().encodes_and_decodes())
      sources.assign(prompts.begin() + static_cast<std::ptrdiff_t>(begin),
                     prompts.begin() + static_cast<std::ptrdiff_t>(end));
    Reader reader(model_, head_, workspace_, static_cast<int>(some.size()), std::move(sources));
    if (options.beams > 1)
      beam_search(reader, some, options, results);
    else
      search(reader, some, options, results);
  }
  return results.take();
}

}  // namespace models
