// The corpus of a pretraining run, as sequences that are read in an order of their own.
#pragma once

#include <functional>
#include <memory>

#include "data/corpus.h"
#include "data/packing.h"
#include "data/tokenizer.h"
#include "run/pretrain/settings.h"

namespace run {

// Sequences of one length and where reading is.
struct Stream {
  std::unique_ptr<data::PackedCorpus> packed;
  std::unique_ptr<data::CorpusBatches> batches;
};

struct Streams {
  std::unique_ptr<data::Corpus> corpus;
  Stream whole, brief, held_out;  // brief: of --short-length, if there is one

  // The sequences that an update is made of.
  Stream& training(bool short_now) { return short_now ? brief : whole; }
};

// Opens the corpus by its cache, which is made from settings.corpus if there is none yet; `report`
// is called now and then, and false stops with an engine::Error.
Streams open_streams(const PretrainSettings& settings, const data::Tokenizer& tokenizer,
                     const std::function<bool(const data::CorpusProgress&)>& report,
                     const std::function<void(const data::CorpusProgress&, double)>& written);

}  // namespace run
