// AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), in the two forms that
// are in use.
//
// With g the gradient times grad_scale, m and v the moments, t = 1, 2, ... and wd = 0 behind the
// first `decayed` scalars:
//
//   m = b1 m + (1 - b1) g
//   v = b2 v + (1 - b2) g^2        both zero below the smallest normal number (1.2e-38)
//
//   torch (torch.optim.AdamW, what Hugging Face's Trainer uses today): decay first, eps added to
//   the corrected denominator
//     p = p (1 - lr wd)
//     p = p - lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
//
//   hf (transformers' own AdamW until 4.x; BERT's optimizer with correct_bias = false): eps is not
//   corrected, decay afterwards, of the updated value
//     p = p - lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + eps)
//     p = p - lr wd p
//   correct_bias = false leaves out the factor sqrt(1 - b2^t) / (1 - b1^t).
//
// Cost: reads p, g, m, v and writes p, m, v once, in one fused loop; memory 2 scalars a trainable
// parameter. Of a table, g is read in the rows that this backward wrote, and m, v only in those
// that some backward wrote: a row without a gradient and with moments of zero moves by decay alone.
// The result is that of the whole loop, bit for bit.
#pragma once

#include "engine/optim/optimizer.h"

namespace engine {

enum class AdamWForm { torch, hf };

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;        // transformers' class has 1e-6 as its default, its Trainer passes 1e-8
  double weight_decay = 0;  // the Trainer's default; torch's is 0.01
  AdamWForm form = AdamWForm::torch;
  bool correct_bias = true;  // false only with the hf form
};

class AdamW : public Optimizer {
 public:
  // Throws engine::Error for options out of range: betas in [0, 1), eps > 0, weight_decay >= 0.
  explicit AdamW(const ParameterStore::Block& block, const AdamWOptions& options = {});

  std::string name() const override {
    return options_.form == AdamWForm::torch ? "adamw" : "adamw_hf";
  }
  State state() override;  // "exp_avg" (m), "exp_avg_sq" (v), torch's names
  const AdamWOptions& options() const { return options_; }

 protected:
  void update(int64_t step, double lr, double grad_scale) override;

 private:
  void find_moving();  // makes moving_ from m and v

  AdamWOptions options_;
  std::shared_ptr<Scalar> m_, v_;    // (block size) each
  std::vector<WrittenRows> moving_;  // of each table: the rows whose moments may be other than zero
  // False: somebody may have written to m and v since, and moving_ is out of date.
  bool moments_known_ = true;
};

}  // namespace engine
