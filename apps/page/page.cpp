#include "apps/page/page.h"

#include "apps/page/escape.h"

namespace apps {

std::string html_page(const Page& page) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
      "'unsafe-inline'; style-src 'unsafe-inline'; img-src data:\">\n"
      "<title>" +
      html_escape(page.title) + "</title>\n<style>";
  html.append(assets::page_css()).append(page.style);
  html += "</style></head><body>\n" + page.body + "<script type=\"application/json\" id=\"data\">" +
          script_json(page.data) + "</script>\n";
  for (const std::string_view script : page.scripts)
    html.append("<script>").append(script).append("</script>\n");
  return html + "</body></html>\n";
}

}  // namespace apps
