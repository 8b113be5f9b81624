// The attention of a text as text, JSON or a page.
#pragma once

#include <string>
#include <string_view>

#include "run/attention.h"

namespace apps {

// Tenths of the weights, a row a token: a layer's mean over its heads, or one head of it. -1: all.
// At most `width` columns (0: any).
std::string attention_text(const run::Attention& attention, int layer, int head, int width);

// One HTML file with a picker of layer and head.
std::string attention_page(const run::Attention& attention);

namespace assets {
std::string_view attention_js();  // page/attention.js
std::string_view attention_css();
}  // namespace assets

}  // namespace apps
