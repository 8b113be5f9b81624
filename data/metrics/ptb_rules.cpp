// Source: the documented behaviour of Stanford's PTBLexer (lexical grammar of CoreNLP 3.x), checked
// against the program of version 3.4.1 (tools/goldens/text_metrics.py). Parts of a pattern are
// macros, for a rule is then read as the grammar has it.
#include "data/metrics/ptb_rules.h"

namespace data::metrics {
namespace {

#define SPACE "[ \\t\\x{A0}\\x{2000}-\\x{200A}\\x{3000}]"
#define NEWLINE "(?:\\r?\\n|\\r|[\\x{2028}\\x{2029}\\x{0B}\\x{0C}\\x{85}])"
#define SPACENL "(?:" SPACE "|" NEWLINE ")"
#define SGML "<\\/?[A-Za-z!?][^>\\r\\n]*>"
#define SENTEND SPACENL "(?:" SPACENL "|[A-Z]|" SGML ")"
#define DIGIT "\\p{Nd}"
#define LETTER "(?:[\\p{L}\\p{M}\\x{AD}]|&[aeiouAEIOU](?:acute|grave|uml);)"
#define WORD LETTER "(?:" LETTER "|" DIGIT ")*(?:[.!?]" LETTER "(?:" LETTER "|" DIGIT ")*)*"
#define NUM "(?:" DIGIT "+|" DIGIT "*(?:[.:,\\x{AD}\\x{66B}\\x{66C}]" DIGIT "+)+)"
#define APOS "(?:['\\x{92}\\x{2019}]|&apos;)"
#define APOSETC "(?:['`\\x{92}\\x{2019}\\x{91}\\x{2018}\\x{201B}]|&apos;)"
#define HYPHEN "[-_\\x{58A}\\x{2010}\\x{2011}]"
#define ALNUM "[\\p{L}\\p{Nd}]"
#define THING_PREFIX "(?:[dDoOlL]" APOSETC ALNUM ")?"
#define THING THING_PREFIX ALNUM "+(?:" HYPHEN THING_PREFIX ALNUM "+)*"
#define THINGA "[A-Z]+(?:(?:[+&]|&amp;)[A-Z]+)+"
#define THING3_PART "[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}"
#define ACRO                                                                                   \
  "(?:[A-Za-z](?:\\.[A-Za-z])+|(?i:Canada|Sino|Korean|EU|Japan|non)-(?i:U\\.S)|(?i:U\\.S\\.-)" \
  "(?i:U\\.K|U\\.S\\.S\\.R))"
#define HTHING "[A-Za-z0-9][A-Za-z0-9.,\\x{AD}]*(?:-(?:[A-Za-z0-9\\x{AD}]+|" ACRO "\\.))+"
#define REDAUX APOS "(?:[msdMSD]|(?i:re|ve|ll))"
#define SREDAUX "[nN]" APOSETC "[tT]"
#define INSENTP "[,;:\\x{3001}]"
#define LDOTS "(?:\\.{3,5}|(?:\\.[ \\x{A0}]){2,4}\\.|[\\x{85}\\x{2026}])"
#define DOUBLE_QUOTE "(?:\"|&quot;)"
// Abbreviations that a lower-case word usually follows, and those that a capital usually follows.
#define MONTHS_DAYS "(?i:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu|Thurs|Fri)"
#define STATES                                                                               \
  "(?:(?i:Ala|Ariz|Calif|Colo|Conn|Ct|Dak|Fla|Ga|Ind|Kans?|Ky|Md|Mich|Minn|Mo|Mont|Neb|Nev|" \
  "Okla|Penn|Tenn|Va|Vt|Wisc?|Wyo)|A(?i:rk)|D(?i:el)|I(?i:ll)|L(?i:a)|M(?i:ass)|M(?i:iss)"   \
  "|O(?i:re)|P(?i:a)|T(?i:ex)|W(?i:ash))"
#define ABBREV1                                                            \
  "(?:" MONTHS_DAYS "|" STATES                                             \
  "|(?i:Inc|Cos?|Corp|Pp?tys?|Ltd|Plc|Bancorp|Dept|Bhd|Assn|"              \
  "Univ|Intl|Sys|tel|est|ext|sq|Jr|Sr|Bros|(?:Ed|Ph)\\.D|Blvd|Rd|Esq|etc|" \
  "al|seq))\\."
#define ABBREV4                                                                                    \
  "(?:[A-Za-z]|(?i:Mr|Mrs|Ms|Drs?|Profs?|Sens?|Reps?|Attys?|Lt|Col|Gen|Messrs|Govs?|Adm|"          \
  "Rev|Maj|Sgt|Cpl|Pvt|Capt|Ste?|Ave|Pres|Lieut|Hon|Brig|Co?mdr|Pfc|Spc|Supts?|Det|Mt|Ft|Adj|Adv|" \
  "Asst|Assoc|Ens|Insp|Mlle|Mme|Msgr|Sfc|vs|"                                                      \
  "Alex|Wm|Jos|Cie|a\\.k\\.a|cf|TREAS|Invt|Elec|Natl|M[ft]g)|M(?i:iss)|" ACRO ")"
// Words before which the period of an acronym ends a sentence.
#define SENTENCE_STARTS                                                                     \
  "(?:A(?i:bout|ccording|dditionally|fter|n|s|t)?|B(?i:ut)|E(?i:arlier)|H(?i:ere|er|e|"     \
  "owever|ow)|I[fFnNtT]|L(?i:ast)|M(?i:any|ore|r\\.|s\\.)|N(?i:ow)|O(?i:nce|ne|ther|ur)|"   \
  "S(?i:he|ince|ome|o|uch)|T(?i:hat|heir|hen|here|hese|hey|he|his)|W(?i:e|hen|hile|hat|ho|" \
  "hy)|Y(?i:et|ou)|" SGML ")"

const PtbRule kRules[] = {
    {"(?i:c\\+\\+|[cf]#)", nullptr},
    {"(?i:cannot|'twas)", nullptr, PtbAction::put_back, "", 3},
    {"(?i:" APOS "tis|gonna|gotta|lemme|gimme|wanna)", nullptr, PtbAction::put_back, "", 2},
    {SGML, nullptr, PtbAction::glued},
    {"&(?i:MD|mdash|ndash);|[\\x{96}\\x{97}\\x{2013}-\\x{2015}]", nullptr, PtbAction::replace,
     "--"},
    {"&(?i:amp);", nullptr, PtbAction::replace, "&"},
    {"&(?i:HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);", nullptr},
    {WORD, REDAUX, PtbAction::word},
    {"[A-Za-z\\x{AD}]*[A-MO-Za-mo-z]\\x{AD}*", SREDAUX, PtbAction::word},
    {WORD, nullptr, PtbAction::word},
    {"(?:" APOS "[nN]" APOS "?|[lLdDjJ]" APOS "|(?i:Dunkin|somethin|ol)" APOS "|" APOS
     "(?i:em|till?|cause)|[A-HJ-XZn]" APOSETC "\\p{L}{2,}|" APOS
     "[2-9]0[sS]|\\p{L}+[aeiouyAEIOUY]" APOSETC
     "[aeiouA-Z]\\p{L}*|(?i:cont'd\\.?|nor'easter|c'mon|e'er|s'mores|ev'ry|li'l|nat'l))",
     nullptr},
    {"[yY]" APOS, "\\p{L}"},
    {"(?i:https?):\\/\\/[^ \\t\\n\\f\\r\"<>|()]+[^ \\t\\n\\f\\r\"<>|.!?(){},-]", nullptr},
    {"(?:(?i:www)\\.(?:[^ \\t\\n\\f\\r\"<>|.!?(){},]+\\.)+[a-zA-Z]{2,4}|(?:[^ "
     "\\t\\n\\f\\r\"`'<>|.!?()"
     "{},-_$]+\\.)+(?i:com|net|org|edu))(?:\\/[^ \\t\\n\\f\\r\"<>|()]+[^ "
     "\\t\\n\\f\\r\"<>|.!?(){},-])?",
     nullptr},
    {"[a-zA-Z0-9][^ \\t\\n\\f\\r\"<>|()\\x{A0}]*@(?:[^ \\t\\n\\f\\r\"<>|().\\x{A0}]+\\.)*[^ "
     "\\t\\n\\f\\r\"<>|()"
     ".\\x{A0}]+",
     nullptr},
    {"@[a-zA-Z_][a-zA-Z_0-9]*|#" LETTER "+", nullptr},
    {REDAUX, "[^A-Za-z]", PtbAction::right_quote},
    {SREDAUX, nullptr, PtbAction::right_quote},
    {DIGIT "{1,2}[-\\/]" DIGIT "{1,2}[-\\/]" DIGIT "{2,4}", nullptr},
    {"[-+]?" NUM, nullptr, PtbAction::word},
    {"[\\x{207A}\\x{207B}\\x{208A}\\x{208B}]?(?:[\\x{2070}\\x{B9}\\x{B2}\\x{B3}\\x{2074}-\\x{2079}]"
     "+|"
     "[\\x{2080}-\\x{2089}]+)",
     nullptr},
    {"(?:" DIGIT "{1,4}[- \\x{A0}])?" DIGIT "{1,4}(?:\\\\?\\/|\\x{2044})" DIGIT "{1,4}", nullptr,
     PtbAction::glued},
    {"[\\x{BC}-\\x{BE}\\x{2153}-\\x{215E}]", nullptr, PtbAction::fraction},
    {"-(?i:RRB|LRB|RCB|LCB|RSB|LSB)-|(?i:C\\.D\\.s|pro-|anti-|S(?:&|&amp;)P-500|S(?:&|&amp;)Ls|"
     "Cap" APOS "n|c" APOS "est)",
     nullptr, PtbAction::amp},
    {THING3_PART "(?:\\\\?\\/" THING3_PART "){1,2}", nullptr},
    {"[A-Z]*\\$|#", nullptr},
    {"[\\x{A2}-\\x{A5}\\x{80}\\x{20A0}\\x{20AC}\\x{60B}\\x{E3F}\\x{20A4}\\x{FFE0}\\x{FFE1}\\x{FFE5}"
     "\\x{FFE6}]",
     nullptr, PtbAction::currency},
    {"(?:[A-Za-z]|" ACRO ")\\.", SPACENL "+" SENTENCE_STARTS "(?:" SPACENL "|[?!])",
     PtbAction::acronym},
    {"(?i:ca|figs?|prop|nos?|arts?|bldg|pp|op|approx)\\.", SPACENL "?" DIGIT},
    {"(?i:pt[ey]|co)\\.", SPACE "(?i:ltd|lim)"},
    {ABBREV1, SENTEND, PtbAction::period_again},
    {ABBREV1, nullptr},
    {ABBREV4 "\\.", nullptr},
    {ABBREV4, SPACE},
    {ACRO, SPACENL},
    {APOS "[0-9][0-9]", SPACENL},
    {WORD "\\.", INSENTP, PtbAction::word},
    {"(?:\\([0-9]{2,3}\\)[ \\x{A0}]?|(?:\\+\\+?)?(?:[0-9]{2,4}[- \\x{A0}])?[0-9]{2,4}[- "
     "\\x{A0}])[0-9]{3,4}"
     "[- \\x{A0}]?[0-9]{3,5}|(?:(?:\\+\\+?)?[0-9]{2,4}\\.)?[0-9]{2,4}\\.[0-9]{3,4}\\.[0-9]{3,5}",
     nullptr, PtbAction::glued},
    {DOUBLE_QUOTE, "[A-Za-z0-9$]", PtbAction::left_quote},
    {DOUBLE_QUOTE, nullptr, PtbAction::right_quote},
    {"<|&(?i:lt);", nullptr, PtbAction::replace, "<"},
    {">|&(?i:gt);", nullptr, PtbAction::replace, ">"},
    {"[<>]?[:;=][-o*']?[()DPdpO\\\\{@|\\[\\]]", "[^A-Za-z0-9]", PtbAction::glued},
    {"[-^x=~<>']_[-^x=~<>']|\\([-^x=~<>'][_.]?[-^x=~<>']\\)|\\([\\^x=~<>']-[\\^x=~<>'`]\\)",
     nullptr, PtbAction::glued},
    {"\\{", nullptr, PtbAction::replace, "-LCB-"},
    {"\\}", nullptr, PtbAction::replace, "-RCB-"},
    {"\\[", nullptr, PtbAction::replace, "-LSB-"},
    {"\\]", nullptr, PtbAction::replace, "-RSB-"},
    {"\\(", nullptr, PtbAction::replace, "-LRB-"},
    {"\\)", nullptr, PtbAction::replace, "-RRB-"},
    {"-+", nullptr, PtbAction::dashes},
    {LDOTS, nullptr, PtbAction::replace, "..."},
    {"@+|#+|_+|\\*+|(?:\\\\\\*){1,3}|" INSENTP "|[?!]+", nullptr},
    {"[.\\x{A1}\\x{BF}\\x{37E}\\x{589}\\x{61F}\\x{6D4}\\x{700}-\\x{702}\\x{7FA}\\x{3002}=\\/]",
     nullptr},
    {HTHING "\\.", INSENTP, PtbAction::word},
    {HTHING, nullptr, PtbAction::word},
    {THING "\\.", INSENTP},
    {THING, nullptr},
    {THINGA "\\.", INSENTP, PtbAction::amp},
    {THINGA, nullptr, PtbAction::amp},
    {"'", "[A-Za-z][^ \\t\\n\\r\\x{A0}]", PtbAction::left_quote},
    {REDAUX, nullptr, PtbAction::right_quote},
    {APOS "|''|[`\\x{2018}-\\x{201F}\\x{91}-\\x{94}\\x{2039}\\x{203A}\\x{AB}\\x{BB}]{1,2}", nullptr,
     PtbAction::right_quote},
    {"<<|>>", nullptr},
    {"[+%&~^|\\\\\\x{A6}\\x{A7}\\x{A8}\\x{A9}\\x{AC}\\x{AE}\\x{AF}\\x{B0}-\\x{BA}\\x{D7}\\x{F7}\\x{"
     "387}"
     "\\x{5BE}\\x{60C}\\x{61B}\\x{66A}\\x{66D}\\x{964}\\x{965}\\x{E4F}\\x{2016}\\x{2017}\\x{2020}-"
     "\\x{2025}\\x{2030}-\\x{2038}\\x{203B}\\x{203E}-\\x{2044}\\x{207A}-\\x{207F}\\x{208A}-\\x{"
     "208E}"
     "\\x{2100}-\\x{214F}\\x{2190}-\\x{2BFF}\\x{3001}-\\x{3020}\\x{30FB}\\x{FF01}-\\x{FF0F}\\x{"
     "FF1A}-"
     "\\x{FF20}\\x{FF3B}-\\x{FF40}\\x{FF5B}-\\x{FF65}]",
     nullptr},
    {"&nbsp;|" SPACE "+|[\\x{00}\\x{7F}\\x{200B}\\x{200E}\\x{200F}\\x{FEFF}]", nullptr,
     PtbAction::skip},
    {NEWLINE, nullptr, PtbAction::line_break},
};

}  // namespace

std::span<const PtbRule> ptb_rules() { return kRules; }

}  // namespace data::metrics
