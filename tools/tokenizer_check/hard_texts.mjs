// Texts that tokenizers disagree on, written for this purpose.
const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("");
const controls = Array.from({ length: 32 }, (_, i) => `a${String.fromCharCode(i)}b`).join(" ");
const spaces = ["\u00a0", "\u1680", "\u2000", "\u2003", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u0085"];

export const hardTexts = [
  "", " ", "   \t\n ", "hello world", "Hello,World!", "don't stop -- it's 50% off (really)...", ascii, controls,
  spaces.map((s) => `x${s}y`).join(" "), "trailing space ", " leading", "two  spaces   three",
  // accents, composed and decomposed; several marks on a letter, in either order
  "Élève naïve façade Ångström", "E\u0301le\u0300ve", "a\u0323\u0302 a\u0302\u0323 \u1ead", "o\u0308\u0304 \u022b", "\u0301 alone, \u0301b",
  "Ｆｕｌｌｗｉｄｔｈ１２３！", "ﬁne ﬂuff ﬃ", "Ⅷ ⅷ ½ ² ³ №",
  // case: Turkish, German, Greek, titlecase, letters without a lower case
  "İstanbul ISPARTA ırmak Iğdır", "STRASSE Straße ẞ", "ΟΔΥΣΣΕΥΣ Σ ΣΑΣ ὈΔΥΣΣΕΎΣ", "ǅ Ǆ ǆ Ǉ", "K Å Ω \u212a \u212b \u2126", "ᾼ ᾳ ΐ ΰ", "Ⓐ ⓐ 𝐀 𝒂 𐐀 𐐨",
  // CJK and its neighbours
  "北京大学 Beijing大学2024", "㐀㐁 丂 豈 更 \u{20000} \u{2a6df} \u{2f800}", "カタカナ ひらがな ガギ が ｶﾞ", "中文，标点。「引号」", "한국어 텍스트 각 각", "注音ㄅㄆㄇ 〇 々 〆",
  // other scripts
  "العَرَبِيَّة نصٌّ، عربي؟", "עִבְרִית שָׁלוֹם", "हिन्दी नमस्ते क्षेत्र", "ภาษาไทย ทดสอบ", "བོད་སྐད་", "ქართული ᲥᲐᲠᲗᲣᲚᲘ", "Հայերեն", "Русский ЙОЛКА ёлка Ґ", "தமிழ் తెలుగు", "Tiếng Việt ĐƯỜNG ở đâu",
  // emoji, joiners, variation selectors, flags, tags
  "😀 👍🏽 👨‍👩‍👧‍👦 ❤️ ❤ 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a\u200bb a\u200cb a\u200db a\u2060b \ufeffa b\ufeff", "soft\u00adhyphen", "\u202ertl\u202c \u2066x\u2069", "a\ufe0fb",
  // private use, unassigned, noncharacters, the replacement character, tags
  "a\ue000b a\u{f0000}b", "a\u0378b \u0378", "a\ufffeb a\uffffb", "a\ufffdb \ufffd", "a\u{e0041}b",
  // punctuation and symbols beyond ASCII
  "“quoted” ‘single’ «guillemets» – — … · • ¿¡ § ¶", "€ £ ¥ ¢ $ ° ± × ÷ ¬ ¦ ¨ ¯ ´ ¸ ^ ` ~", "≠ ≤ ≮ ≯ ∀ ∑ → ⇒", "a\u037eb a\u0387b a\u1fefb", "་།༄ ؟ ، ؛ ٪ ‰",
  // special tokens in the text
  "[CLS] hello [SEP]", "foo[MASK]bar", "[mask] [Mask] [ MASK ]", "[MASK][MASK] [UNK][PAD]", "[[MASK]]", "é[SEP]É", "[MASK", "<s> a</s> <mask> b<mask>  c <|endoftext|>d",
  // lengths around the limit of 100 code points
  "a".repeat(99), "a".repeat(100), "a".repeat(101), "é".repeat(100), "e\u0301".repeat(100), "\u{10400}".repeat(100), "\u{10400}".repeat(101), "一".repeat(101), "ab ".repeat(50), "!".repeat(101),
  // words with and without pieces
  "unaffable unaffableness xyzzyq", "running runner runs", "the theme them", "naïveté", "C++20 x=y_z foo.bar@baz.com http://a.b/c?d=e&f#g", "1,234.56 0x1F 3rd 2nd v1.2.3", "it 's n't can 't I'm you're we've he'll she'd I'D THEY'RE o'clock 'tis",
  "tab\tand\nnewline\r\nand\u000bvt\fff", "a\u0000b", "\u007fdel \u0080 \u009f", "mixed\u00a0 \u3000spaces \u2003 end \u00a0", "line one\n\nline two\n", "   three", "x   ", "\u00a0y", " \u00a0z",
  "١٢٣ १२३ ②③ ⅔ 五", "ª º ʰ ˈ ˊ ꜀ ‿ ⁀ ＿", "\u1ab0\u1ab1a \u20d0b \u3099か", "\u302e\u302fa \u{1d165}\u{1d16d}",
];

export const hardPairs = [
  ["hello world", "the theme"], ["", "hello"], ["hello", ""], ["", ""], ["北京", "É!"], ["foo[MASK]bar", "[SEP]"], ["a b c d e", "f"],
];
