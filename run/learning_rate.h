// The learning rate of a run that is given none, and what is said of one that is far from it.
#pragma once

#include <string>

#include "run/session.h"

namespace run {

// What suits a classifier of this strategy on a model of this size, for AdamW.
//
// A strategy's own rate comes from papers that train BERT-base (768 wide, 12 layers). A smaller
// model wants more (docs/why.md); a larger one, where nothing was measured, keeps the strategy's.
double usual_learning_rate(const peft::Strategy& strategy, const models::Facts& model);

// Gives settings.lr a value if it has none (a record keeps the number, so a resumed run goes on
// with it), or adds a note to the session if the given one is far from the usual. Of language
// models the strategy's own rate is all that is known.
void choose_learning_rate(FinetuneSettings& settings, Session& session);

// What to say of `rate`, where `usual` suits; empty unless they are far apart.
std::string about_learning_rate(double rate, double usual);

}  // namespace run
