#include "run/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "engine/base/error.h"

namespace run {
namespace {

constexpr double kMost = 10;  // times the strategy's own rate
constexpr double kFar = 8;    // from the usual rate, up or down

std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", x);
  return text;
}

}  // namespace

double usual_learning_rate(const peft::Strategy& strategy, const models::Facts& model) {
  const double own = strategy.default_learning_rate();
  if (model.hidden <= 0 || model.layers <= 0) return own;
  const double smaller = 768.0 / static_cast<double>(model.hidden) * 12.0 / model.layers;
  return own * std::clamp(std::sqrt(smaller), 1.0, kMost);
}

void choose_learning_rate(FinetuneSettings& settings, Session& session) {
  const peft::Strategy& strategy = *session.strategy;
  const double usual = session.task->info().kind == "lm"
                           ? strategy.default_learning_rate()
                           : usual_learning_rate(strategy, session.source.config.facts);
  if (settings.lr == 0) settings.lr = usual;
  const std::string note = about_learning_rate(settings.lr, usual);
  if (!note.empty()) session.notes.push_back(note);
}

std::string about_learning_rate(double rate, double usual) {
  if (rate <= 0 || usual <= 0) return "";
  const double apart = rate / usual;
  if (apart < kFar && apart > 1 / kFar) return "";
  return engine::concat("the learning rate ", short_number(rate), " is ",
                        short_number(apart > 1 ? apart : 1 / apart), " times ",
                        apart > 1 ? "more" : "less", " than what usually suits this strategy on a ",
                        "model of this size, ", short_number(usual), ": ",
                        apart > 1 ? "training may diverge" : "the model may learn little");
}

}  // namespace run
