#include "run/analyze/trained.h"

#include <filesystem>

#include "engine/base/error.h"

namespace run {
namespace {

PredictRequest request_of(const std::string& folder, const std::string& model) {
  PredictRequest request;
  request.run = folder;
  request.model = model;
  request.writable = true;
  return request;
}

}  // namespace

TrainedRun::TrainedRun(const std::string& folder, const std::string& model)
    : after(request_of(folder, model)) {
  const auto file = std::filesystem::path(folder) / "run.json";
  const engine::Json record = engine::json_file(file);
  settings = FinetuneSettings::from_json(
      engine::get<engine::Json>(record, "settings", file.string()), file.string());
  before = open_model(after.model().source, after.model().strategy->full_spec(),
                      {.seed = after.seed(), .writable = true});
}

std::string kind_of(const engine::Parameter& p) {
  const std::string number = "." + std::to_string(p.layer) + ".";
  const size_t at = p.name.find(number);
  return at == std::string::npos ? p.name : p.name.substr(at + number.size());
}

}  // namespace run
