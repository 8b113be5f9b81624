#include "apps/trace/page.h"

#include "apps/common/format.h"
#include "apps/page/escape.h"
#include "apps/page/page.h"
#include "apps/trace/text.h"

namespace apps {

std::string trace_page(const run::StepTrace& trace) {
  Page page;
  page.title = "One training step: " + trace.strategy;
  page.style = assets::trace_css();
  page.data = run::trace_json(trace);
  page.scripts = {assets::trace_js()};
  page.body = "<h1>One training step</h1>\n<p class=\"soft\">" + html_escape(trace_title(trace)) +
              "</p>\n"
              "<div class=\"player\"><button id=\"back\" type=\"button\">&#9664; "
              "back</button><input id=\"at\" type=\"range\" min=\"0\" value=\"0\" "
              "aria-label=\"where in the step\"><button id=\"next\" type=\"button\">next "
              "&#9654;</button><span id=\"clock\" aria-live=\"polite\"></span></div>\n"
              "<figure><svg id=\"chart\" preserveAspectRatio=\"none\" role=\"img\" "
              "aria-label=\"memory over the step\"></svg><figcaption>Memory of the step's tensors, "
              "at most <span id=\"peak\"></span>:<i class=\"key\"></i>alive<i class=\"key "
              "saved\"></i>of them saved for backward. Dashed: where backward begins."
              "</figcaption></figure>\n"
              "<div class=\"columns\"><section id=\"detail\"></section>"
              "<ol id=\"ops\"></ol></div>\n"
              "<h2>The whole step</h2><div class=\"scroll\"><table><thead><tr><th></th><th "
              "class=\"n\">this step</th><th class=\"n\">if every parameter learned</th></tr>"
              "</thead><tbody id=\"totals\"></tbody></table></div>\n";
  return html_page(page);
}

}  // namespace apps
