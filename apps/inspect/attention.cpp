#include "apps/inspect/attention.h"

#include <ostream>

#include "apps/common/format.h"
#include "apps/inspect/model.h"
#include "apps/page/escape.h"
#include "apps/page/page.h"
#include "engine/base/atomic_file.h"

namespace apps {
namespace {

using run::Attention;

// "." below 0.05, then the nearest tenth, "#" from 0.95 on.
char tenth(double weight) {
  const int tenths = static_cast<int>(weight * 10 + 0.5);
  return tenths <= 0 ? '.' : tenths >= 10 ? '#' : static_cast<char>('0' + tenths);
}

std::string padded(const std::string& text, int width) {
  const std::string cut = cut_to_width(text, width);
  return cut + std::string(static_cast<size_t>(std::max(0, width - display_width(cut))), ' ');
}

template <class Values>
std::string map(const Attention& a, const Values& values, int width) {
  int names = 6;
  for (const std::string& q : a.queries) names = std::max(names, std::min(14, display_width(q)));
  size_t shown = a.keys.size();
  if (width > 0) shown = std::min(shown, static_cast<size_t>(std::max(1, width - names - 3)));
  std::string out;
  for (size_t q = 0; q < a.queries.size(); ++q) {
    out += padded(a.queries[q], names) + "  ";
    for (size_t k = 0; k < shown; ++k) {
      if (k == static_cast<size_t>(a.prefix) && a.prefix > 0) out += '|';
      out += tenth(static_cast<double>(values[q * a.keys.size() + k]));
    }
    out += '\n';
  }
  if (shown < a.keys.size())
    out += engine::concat("(the first ", shown, " of ", a.keys.size(), " columns)\n");
  return out;
}

std::string about(const Attention& a) {
  return engine::concat(a.model_type, ", ", a.strategy, ": ", a.weights.ops.size(), " layers, ",
                        a.heads(), " heads, ", a.queries.size(), " tokens",
                        a.prefix > 0 ? engine::concat(" and a prefix of ", a.prefix) : "",
                        a.random ? "; the weights are random" : "");
}

}  // namespace

std::string attention_text(const Attention& a, int layer, int head, int width) {
  const auto layers = static_cast<int>(a.weights.ops.size());
  engine::check(layer >= -1 && layer < layers && head >= -1 && head < a.heads(), "attention",
                "layer ", layer + 1, ", head ", head + 1, " is not there: the model has ", layers,
                " layers of ", a.heads(), " heads");
  std::string out = about(a) + "\nA row is a token, a column a token that it looks at";
  if (a.prefix > 0) out += ", before the | the prefix's";
  out += ". Tenths of the weight: . is 0, # is 1.\n";
  for (int l = 0; l < layers; ++l) {
    if (layer >= 0 && l != layer) continue;
    if (layer < 0) {
      out +=
          engine::concat("\nlayer ", l + 1, ", mean over the heads\n") + map(a, a.mean(l), width);
      continue;
    }
    for (int h = 0; h < a.heads(); ++h)
      if (head < 0 || h == head)
        out += engine::concat("\nlayer ", l + 1, ", head ", h + 1, "\n") +
               map(a, a.weights.ops[static_cast<size_t>(l)].of(0, h).values, width);
  }
  return out;
}

std::string attention_page(const Attention& a) {
  Page page;
  page.title = "Attention";
  page.style = assets::attention_css();
  page.data = run::attention_json(a);
  page.scripts = {assets::attention_js()};
  page.body =
      "<h1>Attention</h1>\n<p class=\"soft\">" + html_escape(about(a)) +
      (a.prefix > 0 ? ". The prefix's columns are <span class=\"front\">marked</span>" : "") +
      ".</p>\n<div class=\"pick\"><label>layer <select id=\"layer\"></select></label><label>head "
      "<select id=\"head\"></select></label></div>\n<div class=\"columns\"><section><h3 "
      "id=\"chosen\"></h3><p class=\"soft\">A row is a token, a column a token that it looks at; "
      "full colour is weight 1. A click on a token shows its weights.</p><div "
      "class=\"scroll\"><table id=\"map\"></table></div></section><section><h3 "
      "id=\"who\"></h3><ol id=\"most\"></ol></section></div>\n<h2>All heads</h2><p "
      "class=\"soft\">A row is a layer.</p><div id=\"grid\"></div>\n";
  return html_page(page);
}

void inspect_attention(const InspectOptions& options, std::ostream& out, std::ostream& notes) {
  run::AttentionRequest request{model_request(options)};
  request.strategy = options.strategy;
  request.max_length = options.max_length;
  const std::vector<TextInput> texts = text_inputs(options);
  engine::check(texts.size() == 1, "attention", "there are ", texts.size(), " texts",
                engine::hint("give one text, or with --pair two"));
  request.text = texts[0].a;
  request.text_b = texts[0].b;
  request.pair = texts[0].pair;
  const Attention attention = run::attention_of(request);
  if (!options.html.empty()) {
    engine::write_file_atomically(options.html, attention_page(attention));
    notes << "written to " << options.html << '\n';
  }
  if (options.json)
    out << engine::json_text(run::attention_json(attention)) << '\n';
  else if (options.html.empty())
    out << attention_text(attention, options.layer - 1, options.head - 1, options.width);
}

}  // namespace apps
