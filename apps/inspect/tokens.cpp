#include <ostream>

#include "apps/common/format.h"
#include "apps/inspect/model.h"
#include "engine/io/json.h"

namespace apps {

void inspect_tokens(const InspectOptions& options, std::ostream& out) {
  const auto tokenizer = open_tokenizer(options);
  for (const TextInput& text : text_inputs(options)) {
    const data::Encoding e = encode(*tokenizer, text, options.max_length);
    const std::vector<std::string> pieces = tokenizer->pieces(e.ids);
    if (options.json) {
      engine::Json json = {{"text", text.a}};
      if (text.pair) json["pair"] = text.b;
      json["ids"] = e.ids;
      json["types"] = e.types;
      json["pieces"] = pieces;
      if (e.removed > 0) json["removed"] = e.removed;
      out << engine::json_text(json) << '\n';
      continue;
    }
    // One line a text: ids, TAB, pieces, which `cut` takes apart.
    for (size_t i = 0; i < e.ids.size(); ++i) out << (i ? " " : "") << e.ids[i];
    out << '\t';
    for (size_t i = 0; i < pieces.size(); ++i) out << (i ? " " : "") << pieces[i];
    out << '\n';
  }
}

}  // namespace apps
