// The document that a tokenizer is built from: tokenizer.json as it is, or what stands for it in an
// older folder, with the settings of tokenizer_config.json that change it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "data/special_template.h"
#include "data/tokenizer.h"

namespace data {

// Throws engine::Error if the folder holds no tokenizer, or one of a class that is not known
// ("tokenizer_class").
nlohmann::json tokenizer_document(const TokenizerFiles& files);
// The path of tokenizer.json, or of the folder: opens messages about the document.
std::string document_where(const TokenizerFiles& files);
// A part of the document; null if it is absent.
const nlohmann::json& part(const nlohmann::json& document, const char* name);

// "LlamaTokenizer" for LlamaTokenizerFast; empty if no file names a class.
std::string tokenizer_class(const TokenizerFiles& files);

SpecialNames usual_names(const TokenizerFiles& files, const nlohmann::json& document,
                         const Vocabulary& vocabulary);
// The post_processor's template, or the one of "add_bos_token" and "add_eos_token" if the
// configuration has them.
SpecialTemplate read_template(const TokenizerFiles& files, const nlohmann::json& document,
                              const SpecialIds& special, const Vocabulary& vocabulary);
int read_model_max_length(const nlohmann::json& config, const std::string& where);
// `otherwise` is tokenizer.json's "truncation" or "padding", which may have a "direction".
Side read_side(const nlohmann::json& config, const char* key, const nlohmann::json& otherwise,
               const std::string& where);
// "type" and the settings that a run record shows.
nlohmann::ordered_json document_settings(const nlohmann::json& document, const char* kind);

}  // namespace data
