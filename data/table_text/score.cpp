#include "data/table_text/score.h"

#include <cctype>

#include "data/metrics/bleu.h"
#include "data/metrics/cider.h"
#include "data/metrics/meteor.h"
#include "data/metrics/meteor_normalize.h"
#include "data/metrics/nist.h"
#include "data/metrics/ptb_tokenizer.h"
#include "data/metrics/rouge.h"
#include "data/metrics/ter.h"
#include "data/metrics/tokenize.h"
#include "data/metrics/unidecode.h"
#include "data/table_text/slots.h"
#include "data/tsv.h"
#include "engine/base/error.h"

namespace data {
namespace {

using namespace metrics;

constexpr size_t kOfficialReferences = 3, kLoraReferences = 6, kMeteorReferences = 8;

Texts changed(Texts texts, const std::function<std::string(const std::string&)>& hypothesis,
              const std::function<std::string(const std::string&)>& reference) {
  for (std::string& text : texts.hypotheses) text = hypothesis(text);
  for (auto& own : texts.references)
    for (std::string& text : own) text = reference(text);
  return texts;
}

void add_meteor(std::vector<Score>& scores, const Sentences& words, const ScoreOptions& options,
                int digits) {
  const Meteor m = meteor(words, options.wordnet);
  scores.push_back({"METEOR", m.score, digits, m.modules});
}

// mteval or pymteval, coco-caption.
void add_e2e(const Texts& texts, const ScoreOptions& options, std::vector<Score>& scores) {
  const bool lora = options.way == ScoreWay::lora;
  const Sentences words = tokenize(texts, lora ? tokenize_pymteval : tokenize_mteval);
  const char* script = lora ? "measure_scores.py -p" : "mteval-v13a";
  scores.push_back(
      {"BLEU", bleu(words, lora ? BleuStyle::pymteval : BleuStyle::mteval).score, 4, script});
  scores.push_back(
      {"NIST", nist(words, lora ? NistStyle::pymteval : NistStyle::mteval), 4, script});
  const Sentences coco = coco_tokenize(texts);
  add_meteor(scores, meteor_words_of(coco), options, 4);
  scores.push_back({"ROUGE-L", rouge_l_coco(coco), 4, "coco-caption"});
  scores.push_back({"CIDEr", cider(coco), 4, "coco-caption (CIDEr-D)"});
}

// Lower case with every mark a word of its own, as the .lex files of references are. Taking such a
// text apart again would cut a combining mark from its letter.
bool in_words(const std::string& text) {
  if (lower_unicode(text) != text) return false;
  for (const std::string& word : split_unicode(text))
    for (const char c : word)
      if (word.size() > 1 && std::ispunct(static_cast<unsigned char>(c)) && c != '_') return false;
  return true;
}

void add_triples_official(TableTask task, const Texts& given, const ScoreOptions& options,
                          std::vector<Score>& scores) {
  Texts texts;
  if (task == TableTask::webnlg) {
    const auto ascii = [](const std::string& t) { return unidecode(lower_unicode(t)); };
    texts = changed(
        given, [&](const std::string& t) { return apart_words(ascii(unidecode(t))); },
        [&](const std::string& t) { return ascii(apart_words(t)); });
  } else {
    const auto apart = [](const std::string& t) { return lower_unicode(apart_words(t)); };
    const auto as_it_is = [](const std::string& t) { return t; };
    const auto reference = [&](const std::string& t) { return in_words(t) ? t : apart(t); };
    texts =
        options.tokenize ? changed(given, apart, reference) : changed(given, as_it_is, reference);
  }
  texts = pad(std::move(texts), kOfficialReferences, Pad::empty);
  const bool webnlg = task == TableTask::webnlg;
  const Bleu b = bleu(tokenize(texts, webnlg ? tokenize_multi_bleu_lc : tokenize_multi_bleu),
                      BleuStyle::multi_bleu);
  scores.push_back({"BLEU", 100 * b.score, 2, webnlg ? "multi-bleu -lc" : "multi-bleu"});
  const size_t count = webnlg ? kOfficialReferences : kMeteorReferences;
  add_meteor(scores, tokenize(pad(texts, count, Pad::empty), meteor_words), options, 4);
  const Ter t = ter_tercom(tokenize(drop_empty(texts, "ter"), tokenize_tercom));
  scores.push_back({"TER", t.score, 4, "tercom 0.7.25"});
}

void add_triples_lora(const Texts& given, const ScoreOptions& options, std::vector<Score>& scores) {
  const auto post = [](const std::string& t) { return apart_words(lower_unicode(t)); };
  const Texts texts =
      pad(changed(drop_empty(given, "score"), post, post), kLoraReferences, Pad::first);
  const Bleu b = bleu(tokenize(texts, tokenize_13a), BleuStyle::multi_bleu);
  scores.push_back({"BLEU", 100 * b.score, 2, "multi-bleu-detok, six references"});
  add_meteor(scores, tokenize(texts, meteor_words), options, 2);
  scores.push_back({"TER", ter_pyter(tokenize(texts, split_unicode)), 2, "pyter"});
}

void add_more(TableTask task, const Texts& texts, std::vector<Score>& scores) {
  const Texts some = drop_empty(texts, "score");
  const Sentences words = tokenize(some, tokenize_13a);
  scores.push_back(
      {"sacreBLEU", 100 * bleu(words, BleuStyle::sacrebleu).score, 2, sacrebleu_signature(words)});
  const std::pair<const char*, RougeKind> kinds[] = {{"ROUGE-1 (Google)", RougeKind::rouge1},
                                                     {"ROUGE-2 (Google)", RougeKind::rouge2},
                                                     {"ROUGE-L (Google)", RougeKind::rougeL}};
  for (const auto& [name, kind] : kinds)
    scores.push_back({name, rouge_google(some, kind, true).f, 4, "rouge_score, stemmed, mean F"});
  if (task == TableTask::e2e) {
    scores.push_back(
        {"TER", ter_tercom(tokenize(some, tokenize_tercom)).score, 4, "tercom 0.7.25"});
  } else {
    const Sentences coco = coco_tokenize(some);
    scores.push_back({"ROUGE-L", rouge_l_coco(coco), 4, "coco-caption"});
    scores.push_back({"CIDEr", cider(coco), 4, "coco-caption (CIDEr-D)"});
  }
}

ScoredSet score_set(TableTask task, const std::string& name, const Outputs& outputs,
                    const std::vector<size_t>& chosen, const ScoreOptions& options) {
  Texts texts;
  std::vector<const TableEntry*> tables;
  ScoredSet set;
  set.name = name;
  set.examples = chosen;
  for (const size_t i : chosen) {
    texts.hypotheses.push_back(outputs.texts.hypotheses[i]);
    texts.references.push_back(outputs.texts.references[i]);
    for (const std::string& reference : outputs.texts.references[i])
      set.references += !reference.empty();
    if (!outputs.tables.empty()) tables.push_back(&outputs.tables[i]);
  }
  set.hypotheses = static_cast<int64_t>(texts.size());
  if (task == TableTask::e2e) {
    add_e2e(texts, options, set.scores);
    if (!tables.empty()) {
      const SlotErrors errors = e2e_slot_errors(tables, texts.hypotheses);
      set.scores.push_back({"slot errors", errors.rate(), 4,
                            engine::concat(errors.missing, " missing and ", errors.invented,
                                           " invented of ", errors.slots, ", by patterns")});
    }
  } else if (options.way == ScoreWay::lora) {
    add_triples_lora(texts, options, set.scores);
  } else {
    add_triples_official(task, texts, options, set.scores);
  }
  if (options.more) add_more(task, texts, set.scores);
  return set;
}

}  // namespace

ScoreWay score_way(std::string_view name) {
  const std::string key = ascii_lower(name);
  if (key == "official") return ScoreWay::official;
  if (key == "lora") return ScoreWay::lora;
  engine::fail("way", "there is no way of scoring '", name, "'",
               engine::hint("there are: official, lora"));
}

std::vector<ScoredSet> score_outputs(TableTask task, const Outputs& outputs,
                                     const ScoreOptions& options) {
  check_texts(outputs.texts, "score");
  std::vector<size_t> all, seen, unseen;
  for (size_t i = 0; i < outputs.texts.size(); ++i) {
    all.push_back(i);
    if (task == TableTask::webnlg && !outputs.tables.empty())
      (seen_category(outputs.tables[i].category) ? seen : unseen).push_back(i);
  }
  std::vector<ScoredSet> sets{score_set(task, "all", outputs, all, options)};
  if (!seen.empty() && !unseen.empty()) {
    sets.push_back(score_set(task, "seen", outputs, seen, options));
    sets.push_back(score_set(task, "unseen", outputs, unseen, options));
  }
  return sets;
}

nlohmann::ordered_json to_json(TableTask task, ScoreWay way, const std::vector<ScoredSet>& sets) {
  nlohmann::ordered_json json;
  json["task"] = table_task_name(task);
  json["way"] = way == ScoreWay::lora ? "lora" : "official";
  for (const ScoredSet& set : sets) {
    nlohmann::ordered_json& own = json["sets"][set.name];
    own["hypotheses"] = set.hypotheses;
    own["references"] = set.references;
    for (const Score& score : set.scores) {
      own["scores"][score.name]["value"] = score.value;
      own["scores"][score.name]["method"] = score.method;
    }
  }
  return json;
}

}  // namespace data
