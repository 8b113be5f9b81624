#include "models/model.h"

#include <algorithm>

namespace models {

const char* head_kind_name(HeadKind kind) {
  switch (kind) {
    case HeadKind::classification:
      return "classification";
    case HeadKind::token_classification:
      return "token classification";
    case HeadKind::masked_lm:
      return "masked language modelling";
    case HeadKind::replaced_token:
      return "replaced-token detection";
    case HeadKind::language_model:
      return "language modelling";
  }
  return "?";
}

namespace {

// A batch with `length` rows of a prompt in front of every sequence, and where its own rows are.
struct Prompted {
  engine::Batch batch;
  engine::RowSelection rows;

  Prompted(const engine::Batch& from, const Ask& ask, int32_t length) {
    const engine::Segments& segments = from.segments;
    std::vector<int32_t> asked;
    for (int s = 0; s < segments.count(); ++s) {
      const int32_t begin = segments.begin(s), n = segments.length(s), shift = (s + 1) * length;
      for (int32_t j = 0; j < length; ++j) batch.ids.push_back(-1 - j);
      batch.ids.insert(batch.ids.end(), from.ids.begin() + begin, from.ids.begin() + begin + n);
      if (!from.types.empty()) {
        batch.types.insert(batch.types.end(), static_cast<size_t>(length), 0);
        batch.types.insert(batch.types.end(), from.types.begin() + begin,
                           from.types.begin() + begin + n);
      }
      if (!from.targets.empty() && from.output.ids.empty()) {
        batch.targets.insert(batch.targets.end(), static_cast<size_t>(length), -1);
        batch.targets.insert(batch.targets.end(), from.targets.begin() + begin,
                             from.targets.begin() + begin + n);
      }
      batch.segments.add(length + n);
      if (!ask.rows) {
        for (int32_t i = 0; i < n; ++i) asked.push_back(begin + i + shift);
        continue;
      }
      const engine::Segments& some = ask.rows->segments;
      for (int32_t i = some.begin(s); i < some.begin(s) + some.length(s); ++i) {
        const int32_t row = ask.rows->rows[static_cast<size_t>(i)];
        asked.push_back(row + shift - (ask.counts_prompt && row == begin ? length : 0));
      }
    }
    rows.choose(batch.segments, asked);
  }
};

}  // namespace

engine::Tensor Model::encode(engine::Graph& g, const engine::Batch& batch, const Ask& ask) {
  const auto length = static_cast<int32_t>(words().prompt_length());
  if (length == 0 || (ask.cache && !ask.cache->empty())) return forward(g, batch, ask);
  engine::check(!facts().encodes_and_decodes() || !batch.output.ids.empty(), "model",
                "the batch has no output");
  engine::check(length + batch.segments.longest() <= facts().longest, "model", "a sequence of ",
                batch.segments.longest(), " tokens behind a prompt of ", length,
                " does not fit the ", facts().longest, " positions of this model",
                engine::hint("give --max-length ", facts().longest - length, " or less"));
  if (facts().encodes_and_decodes()) {  // the prompt is the encoder's; what is asked, the decoder's
    Prompted prompted(batch, {}, length);
    prompted.batch.output = batch.output;
    return forward(g, prompted.batch, ask);
  }
  const Prompted prompted(batch, ask, length);
  const bool all = ask.counts_prompt && !ask.rows;
  return forward(g, prompted.batch, {all ? nullptr : &prompted.rows, ask.cache});
}

engine::Sites Model::sites() {
  engine::Sites sites = engine::collect_sites(*this);
  sites.model_type = facts().model_type;
  sites.layers = std::max(facts().layers, facts().decoder_layers);
  if (facts().encodes_and_decodes()) sites.encoder_layers = facts().layers;
  sites.decoder_layers = facts().decoder_layers;
  sites.heads = facts().heads;
  sites.hidden = facts().hidden;
  sites.kv.heads = facts().kv_heads;
  sites.words = &words();
  return sites;
}

void Model::no_head(HeadKind kind) const {
  engine::fail("model", "model_type '", facts().model_type, "' has no head for ",
               head_kind_name(kind),
               engine::hint(facts().encodes_and_decodes()
                                ? "it writes: give --task seq2seq, with the label's word as target"
                                : "another family has one"));
}

}  // namespace models
