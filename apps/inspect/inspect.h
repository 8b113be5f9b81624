// What `inspect` can show: a model's parameters and sites, a step as a graph, texts as tokens,
// texts as logits, a text's attention; and what this machine computes with.
//
// Every function writes to `out` what a person reads, or JSON, and throws engine::Error.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace apps {

struct InspectOptions {
  std::string model;      // folder, config.json or random:...
  std::string strategy;   // spec; empty: none
  std::string pattern;    // sites: short for lora:pattern=
  std::string adapter;    // logits: a folder of save_adapter, or a run folder
  std::string tokenizer;  // folder; empty: the model's own
  std::vector<std::string> texts;
  bool pair = false;            // texts come two by two
  int max_length = 0;           // 0: what the model allows
  int batch = 2, length = 8;    // graph: the size of the step when no text is given
  bool dropout = false;         // graph: with the dropout ops of training
  unsigned long long seed = 0;  // logits: of what no file has; 0: the run's
  int layer = 0, head = 0;      // attention: from 1; 0: all layers, or the mean of all heads
  std::string html;             // attention: a page
  bool json = false;
  int width = 0;  // of the terminal; 0: any
};

void inspect_params(const InspectOptions& options, std::ostream& out);
void inspect_sites(const InspectOptions& options, std::ostream& out);
void inspect_graph(const InspectOptions& options, std::ostream& out);
void inspect_tokens(const InspectOptions& options, std::ostream& out);
void inspect_logits(const InspectOptions& options, std::ostream& out, std::ostream& notes);
void inspect_hardware(const InspectOptions& options, std::ostream& out);
void inspect_attention(const InspectOptions& options, std::ostream& out, std::ostream& notes);

// The whole command line. `in_is_terminal`: nobody waits for texts on it.
int inspect_command(int argc, const char* const* argv, std::istream& in, bool in_is_terminal,
                    std::ostream& out, std::ostream& notes);

}  // namespace apps
