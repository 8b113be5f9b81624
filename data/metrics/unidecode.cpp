#include "data/metrics/unidecode.h"

#include <unordered_map>

#include "data/metrics/tokenize.h"
#include "data/unicode.h"

namespace data::metrics {
namespace {

// "character>ASCII" by spaces; _ is a space. What canonical decomposition gives is not listed.
constexpr const char* kTable =
    "¡>! ¢>C/ £>PS ¤>$? ¥>Y= ¦>| §>SS ¨>\" ©>(c) ª>a «><< ¬>! ®>(r) ¯>- °>deg ±>+- ²>2 ³>3 ´>' µ>u "
    "¶>P ·>* ¸>, ¹>1 º>o »>>> ¼>_1/4 ½>_1/2 ¾>_3/4 ¿>? Æ>AE Ð>D ×>x Ø>O Þ>Th ß>ss æ>ae ð>d ÷>/ ø>o "
    "þ>th Đ>D đ>d Ħ>H ħ>h ı>i Ĳ>IJ ĳ>ij ĸ>k Ŀ>L ŀ>l Ł>L ł>l ŉ>'n Ŋ>NG ŋ>ng Œ>OE œ>oe Ŧ>T ŧ>t ſ>s "
    "ƀ>b Ɓ>B Ɔ>O Ƈ>C ƈ>c Ɖ>D Ɗ>D Ǝ>3 Ə>@ Ɛ>E Ƒ>F ƒ>f Ɠ>G Ɨ>I Ƙ>K ƙ>k ƚ>l Ɲ>N ƞ>n Ɵ>O Ƥ>P ƥ>p Ƭ>T "
    "ƭ>t Ʈ>T Ʋ>V Ƴ>Y ƴ>y Ƶ>Z ƶ>z Ʒ>ZH Ǆ>DZ ǅ>Dz ǆ>dz Ǉ>LJ ǈ>Lj ǉ>lj Ǌ>NJ ǋ>Nj ǌ>nj ǝ>@ Ǣ>AE ǣ>ae "
    "Ǥ>G ǥ>g Ǳ>DZ ǲ>Dz ǳ>dz Ǽ>AE ǽ>ae Ǿ>O ǿ>o Ȥ>Z ȥ>z ȷ>j Ⱥ>A Ȼ>C ȼ>c Ƚ>L Ⱦ>T ẞ>SS ʹ>' ͵>, ;>? ·>; "
    "Α>A Β>B Γ>G Δ>D Ε>E Ζ>Z Η>E Θ>Th Ι>I Κ>K Λ>L Μ>M Ν>N Ξ>Ks Ο>O Π>P Ρ>R Σ>S Τ>T Υ>U Φ>Ph Χ>Kh "
    "Ψ>Ps Ω>O α>a β>b γ>g δ>d ε>e ζ>z η>e θ>th ι>i κ>k λ>l μ>m ν>n ξ>x ο>o π>p ρ>r ς>s σ>s τ>t υ>u "
    "φ>ph χ>kh ψ>ps ω>o Ѐ>Ie Ё>Io Ђ>Dj Ѓ>Gj Є>Ie Ѕ>Dz І>I Ї>Yi Ј>J Љ>Lj Њ>Nj Ћ>Tsh Ќ>Kj Ѝ>I Ў>U "
    "Џ>Dzh А>A Б>B В>V Г>G Д>D Е>E Ж>Zh З>Z И>I Й>I К>K Л>L М>M Н>N О>O П>P Р>R С>S Т>T У>U Ф>F "
    "Х>Kh "
    "Ц>Ts Ч>Ch Ш>Sh Щ>Shch Ъ>' Ы>Y Ь>' Э>E Ю>Iu Я>Ia а>a б>b в>v г>g д>d е>e ж>zh з>z и>i й>i к>k "
    "л>l "
    "м>m н>n о>o п>p р>r с>s т>t у>u ф>f х>kh ц>ts ч>ch ш>sh щ>shch ъ>' ы>y ь>' э>e ю>iu я>ia ѐ>ie "
    "ё>io ђ>dj ѓ>gj є>ie ѕ>dz і>i ї>yi ј>j љ>lj њ>nj ћ>tsh ќ>kj ѝ>i ў>u џ>dzh ‐>- ‑>- ‒>- –>- —>-- "
    "―>-- ‖>|| ‗>_ ‘>' ’>' ‚>, ‛>' “>\" ”>\" „>,, ‟>\" †>+ ‡>++ •>* ‣>*> ․>. ‥>.. …>... ‰>%0 ′>' "
    "″>'' "
    "‹>< ›>> ※>* ‼>!! ‽>!? ‾>- ⁄>/ €>EUR ₤>L ₦>N ₨>Rs ₩>W ₪>NS ₫>D ₱>P ₴>UAH ₹>Rs ₺>L "
    "₽>R "
    "₿>BTC ℃>degC "
    "℉>degF №>No._ ℗>(p) ™>(tm) Ω>ohm ⅓>_1/3_ ⅔>_2/3_ ⅛>_1/8_ ⅜>_3/8_ ⅝>_5/8_ ⅞>_7/8_ ←>- ↑>| →>- "
    "↓>| "
    "↔>- −>- ∕>/ ∗>* ■># □># ▲>^ ●>* ○>* ◆>*";

const std::unordered_map<char32_t, std::string>& table() {
  static const std::unordered_map<char32_t, std::string> map = [] {
    std::unordered_map<char32_t, std::string> m;
    for (const std::string& entry : split_ascii(kTable)) {
      size_t at = 0;
      const char32_t c = next_code_point(entry, at);
      m.emplace(c, c == 0x2017 ? "_" : replace_all(entry.substr(at + 1), "_", " "));
    }
    return m;
  }();
  return map;
}

bool written(char32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return true;
  }
  const auto found = table().find(c);
  if (found == table().end()) return false;
  out += found->second;
  return true;
}

}  // namespace

std::string unidecode(std::string_view text) {
  std::string out;
  char32_t parts[kMaxMapped];
  for (size_t i = 0; i < text.size();) {
    const char32_t c = next_code_point(text, i);
    if (written(c, out)) continue;
    if (is_white_space(c)) {
      out += ' ';
      continue;
    }
    const int count = decompose(c, parts);
    for (int k = 0; k < count; ++k) {
      if (written(parts[k], out)) continue;
      if (is_letter(parts[k]) || is_number(parts[k])) append_utf8(parts[k], out);
    }
  }
  return out;
}

}  // namespace data::metrics
