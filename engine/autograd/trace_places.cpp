#include "engine/autograd/trace_places.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace engine {
namespace {

std::string module_of(const std::string& name) {
  const size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot);
}

// "bert.encoder.layer.3.attention.self.query" -> "bert.encoder.layer.3"; "" where no part is a
// number.
std::string frame_of(const std::string& module) {
  for (size_t begin = 0; begin < module.size();) {
    size_t end = module.find('.', begin);
    if (end == std::string::npos) end = module.size();
    bool number = end > begin;
    for (size_t i = begin; i < end; ++i)
      number = number && std::isdigit(static_cast<unsigned char>(module[i]));
    if (number) return module.substr(0, end);
    begin = end + 1;
  }
  return "";
}

// What two paths have in common, in whole parts.
std::string common(const std::string& a, const std::string& b) {
  if (a == b) return a;
  size_t last = 0;
  for (size_t i = 0; i <= std::min(a.size(), b.size()); ++i) {
    const bool a_ends = i == a.size() || a[i] == '.', b_ends = i == b.size() || b[i] == '.';
    if (a_ends && b_ends) last = i;
    if (i == a.size() || i == b.size() || a[i] != b[i]) break;
  }
  return a.substr(0, last);
}

}  // namespace

std::vector<TracePlace> trace_places(const Trace& trace, const LeafName& leaf_name) {
  std::vector<TracePlace> places(trace.size());
  std::map<int32_t, size_t> at;  // of an id
  for (size_t i = 0; i < trace.size(); ++i) {
    const TraceEntry& entry = trace[i];
    TracePlace& place = places[i];
    at[entry.output] = i;
    if (entry.leaf) {
      place.module = module_of(leaf_name(*entry.leaf));
      place.frame = frame_of(place.module);
      continue;
    }
    bool has_parameters = false;
    int32_t latest = -1;
    size_t results = 0;
    std::string result_frame;  // of the latest result that it reads
    for (const int32_t id : entry.inputs) {
      const auto found = at.find(id);
      if (found == at.end()) continue;
      const TracePlace& input = places[found->second];
      if (trace[found->second].leaf) {
        place.module = has_parameters ? common(place.module, input.module) : input.module;
        place.frame = input.frame;
        has_parameters = true;
        continue;
      }
      ++results;
      if (id > latest) {
        result_frame = input.frame;
        latest = id;
      }
    }
    if (!has_parameters) place.frame = result_frame;
    // A table that layers share stands in one of them; attention is where its queries and keys are.
    if (has_parameters && results > 2 && !result_frame.empty() && result_frame != place.frame) {
      place.frame = result_frame;
      place.module.clear();
    }
  }
  return places;
}

}  // namespace engine
