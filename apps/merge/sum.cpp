#include "apps/merge/sum.h"

#include <algorithm>
#include <optional>
#include <ostream>

#include "apps/common/format.h"
#include "apps/common/main_guard.h"
#include "data/tsv.h"
#include "engine/base/mapping.h"
#include "engine/base/number.h"
#include "peft/weighted.h"
#include "run/known.h"

namespace apps {

namespace fs = std::filesystem;
using engine::check;
using engine::hint;

namespace {

// Heads of the same bits may still mean other classes.
void check_same_classes(const std::vector<NamedAdapter>& adapters) {
  std::optional<run::Known> first;
  for (const NamedAdapter& adapter : adapters) {
    const auto known = run::find_known(adapter.folder);
    if (!known) continue;
    if (!first) first = known;
    check(known->task.labels == first->task.labels, "merge", adapter.name, " has the classes ",
          data::listed(known->task.labels), ", and ", adapters[0].name, " has ",
          data::listed(first->task.labels),
          hint("ask each of them: peft predict --adapter a=DIR --adapter b=DIR --adapter-column "
               "NAME"));
  }
}

}  // namespace

std::vector<double> parse_weights(const std::string& text) {
  std::vector<double> weights;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find_first_of(" ,", begin), text.size());
    if (end > begin) {
      const auto weight =
          engine::to_number<double>(std::string_view(text).substr(begin, end - begin));
      if (!weight)
        throw UsageError(engine::concat("--weights '", text, "' are no numbers",
                                        hint("one for each adapter: --weights \"0.7 0.3\"")));
      weights.push_back(*weight);
    }
    begin = end + 1;
  }
  return weights;
}

peft::AdapterFile sum_of(const SumOptions& options) {
  const size_t n = options.adapters.size();
  check(options.weights.empty() || options.weights.size() == n, "merge", "--weights has ",
        options.weights.size(), ", and there are ", n, " adapters: ", names_text(options.adapters));
  const auto how = peft::combination_from_name(options.combine.empty() ? "cat" : options.combine);
  check(options.svd_rank == 0 || how == peft::Combination::svd, "merge",
        "--svd-rank is for --combine svd");
  std::vector<peft::WeightedAdapter> adapters;
  for (size_t i = 0; i < n; ++i)
    adapters.push_back(
        {options.adapters[i].name,
         peft::load_adapter(run::adapter_folder(options.adapters[i].folder), peft::Fused::joined),
         options.weights.empty() ? 1 : options.weights[i]});
  check_same_classes(options.adapters);
  return peft::add_weighted(adapters, how, options.svd_rank);
}

void write_sum(const SumOptions& options, const fs::path& out, std::ostream& log) {
  check(!fs::exists(out) || fs::is_empty(out), "merge", out.string(), " exists and is not empty",
        hint("give a new folder with --out; nothing was changed"));
  const peft::AdapterFile sum = sum_of(options);
  engine::check_mappings_unchanged();
  peft::write_adapter(out, sum);
  if (const auto known = run::find_known(options.adapters[0].folder)) run::write_known(out, *known);
  int64_t values = 0;
  for (const auto& [name, tensor] : sum.tensors) values += tensor.count();
  log << "added " << sum.file.string() << " into a LoRA adapter of rank "
      << sum.config.at("r").get<int64_t>() << " in " << out.string() << ": " << format_count(values)
      << " values\n";
}

}  // namespace apps
