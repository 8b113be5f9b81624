// Outputs of a table-to-text system scored as the papers do it.
//
//   official  the scripts of the E2E challenge (mteval-v13a, coco-caption), of WebNLG 2017 and of
//             DART (multi-bleu, METEOR, tercom): up to three references in the latter two
//   lora      what LoRA's README calls: E2E with Python's BLEU and NIST (-p); WebNLG and DART with
//             up to six references, missing ones filled with the first, multi-bleu-detok and pyter
//
// METEOR is without paraphrases in both. In LoRA's way pyter sees words at white space, where
// GenerationEval passes them through nltk.word_tokenize first.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/metrics/wordnet.h"
#include "data/table_text/outputs.h"

namespace data {

enum class ScoreWay { official, lora };
ScoreWay score_way(std::string_view name);  // throws engine::Error that lists them

struct Score {
  std::string name;    // "BLEU", as the script prints it
  double value = 0;    // in the script's scale: WebNLG's and DART's BLEU is of 100
  int digits = 4;      // that the script prints
  std::string method;  // what was computed: "mteval-v13a", "exact, stem, synonym; without ..."
};

struct ScoredSet {
  std::string name;  // "all"; WebNLG with categories also "seen" and "unseen"
  int64_t hypotheses = 0, references = 0;
  std::vector<size_t> examples;  // of the outputs, which hypotheses these are
  std::vector<Score> scores;
};

struct ScoreOptions {
  ScoreWay way = ScoreWay::official;
  bool more = false;      // also sacrebleu, Google's ROUGE, and what the other tasks' scripts print
  bool tokenize = false;  // DART, official: lower-case the hypotheses and take their words apart
  const metrics::WordNet* wordnet = nullptr;
};

std::vector<ScoredSet> score_outputs(TableTask task, const Outputs& outputs,
                                     const ScoreOptions& options);

// {"task": ..., "way": ..., "sets": {"all": {"hypotheses": 630, "references": 4693, "scores":
// {"BLEU": {"value": ..., "method": ...}}}}}
nlohmann::ordered_json to_json(TableTask task, ScoreWay way, const std::vector<ScoredSet>& sets);

}  // namespace data
