#include "task.h"

namespace task {

Gradients backward(const Matrix& dy, const Kept& kept, const Matrix& w, const Lora& lora,
                   bool something_below_learns) {
  Gradients g;
  g.db = multiply(transposed(dy), kept.t);
  for (double& v : g.db.values) v *= lora.scale;
  Matrix dt = multiply(dy, lora.b);
  for (double& v : dt.values) v *= lora.scale;
  g.da = multiply(transposed(dt), kept.x);
  if (something_below_learns) {
    g.dx = multiply(dy, w);
    const Matrix through = multiply(dt, lora.a);
    for (size_t i = 0; i < g.dx.values.size(); ++i) g.dx.values[i] += through.values[i];
  }
  return g;
}

}  // namespace task
