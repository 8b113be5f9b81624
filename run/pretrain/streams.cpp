#include "run/pretrain/streams.h"

#include "engine/base/error.h"
#include "engine/base/philox.h"
#include "engine/base/timer.h"

namespace run {

namespace fs = std::filesystem;

Streams open_streams(const PretrainSettings& settings, const data::Tokenizer& tokenizer,
                     const std::function<bool(const data::CorpusProgress&)>& report,
                     const std::function<void(const data::CorpusProgress&, double)>& written) {
  const fs::path cache = settings.cache.empty() ? settings.out / "corpus.cache" : settings.cache;
  const bool causal = settings.objective == "causal";
  const auto paragraphs = causal ? data::Paragraphs::lines : data::Paragraphs::run_on;
  if (!fs::exists(cache)) {
    engine::check(!settings.corpus.empty(), "pretrain", "there is no corpus cache ", cache.string(),
                  engine::hint("give --corpus, to make it"));
    const engine::Timer timer;
    const data::CorpusProgress done = data::write_corpus_cache(
        std::vector<fs::path>(settings.corpus.begin(), settings.corpus.end()), tokenizer, cache,
        report, paragraphs);
    written(done, timer.seconds());
  }
  Streams streams;
  streams.corpus = std::make_unique<data::Corpus>(cache, tokenizer);
  engine::check(streams.corpus->paragraphs() == paragraphs, "pretrain", cache.string(),
                causal ? " runs paragraphs together, as encoders are trained"
                       : " has the ends of paragraphs, as causal models are trained",
                engine::hint("give another --cache for this objective"));
  const auto stream = [&](int length, data::PackedCorpus::Part part, uint64_t salt) {
    data::PackingOptions packing;
    packing.max_length = length;
    packing.form = causal ? data::PackingForm::next_token : data::PackingForm::marked;
    packing.hold_out_every = settings.held_out;
    // Of denoising a sequence is one text.
    const bool marked = settings.objective != "denoise";
    packing.pairs = marked ? settings.pairs : 0;
    packing.halves = marked ? settings.halves : 0;
    packing.seed = engine::mix(settings.seed, salt);
    Stream s;
    s.packed = std::make_unique<data::PackedCorpus>(*streams.corpus, tokenizer, part, packing);
    s.batches = std::make_unique<data::CorpusBatches>(*s.packed);
    return s;
  };
  streams.whole = stream(settings.max_length, data::PackedCorpus::Part::train, 1);
  if (settings.short_length > 0)
    streams.brief = stream(settings.short_length, data::PackedCorpus::Part::train, 2);
  streams.held_out = stream(settings.max_length, data::PackedCorpus::Part::held_out, 3);
  return streams;
}

}  // namespace run
