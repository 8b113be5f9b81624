#include "apps/plan/ops.h"

namespace apps::sym {

using engine::Activation;
using engine::Work;

namespace {

void linear_backward(Tape& t, Back& bw, const Value& xs, const Value& ws, const Value& b) {
  const int64_t n = bw.dy().rows(), out = ws.rows(), in = ws.cols();
  if (bw.into(xs)) t.gemm(Work::input_gradient, n, in, out);
  if (bw.into(ws)) t.gemm(Work::weight_gradient, out, in, n);
  bw.into(b);
}

// A copy of the labels, which outlives the caller's.
Value keep_labels(Tape& t, int64_t n) { return t.keep(t.make({1, n}), true); }

}  // namespace

Value linear(Tape& t, const Value& x, const Value& w, const Value& b) {
  Value y = t.make({x.rows(), w.rows()});
  t.gemm(Work::forward, x.rows(), w.rows(), x.cols());
  const Value xs = t.keep(x, t.needs(w)), ws = w, bs = b;
  return t.record(y, {x, w, b}, [&t, xs, ws, bs](Back& bw) { linear_backward(t, bw, xs, ws, bs); });
}

Value linear_activation(Tape& t, const Value& x, const Value& w, const Value& b) {
  const bool any = t.needs(x) || t.needs(w) || t.needs(b);
  Value u = t.make({x.rows(), w.rows()});
  t.gemm(Work::forward, x.rows(), w.rows(), x.cols());
  Value y = any ? t.make(u.shape) : u;
  const Value us = t.keep(u, any), xs = t.keep(x, t.needs(w)), ws = w, bs = b;
  return t.record(y, {x, w, b},
                  [&t, us, xs, ws, bs](Back& bw) { linear_backward(t, bw, xs, ws, bs); });
}

Value low_rank_add(Tape& t, Value y, const Value& x, const Value& a, const Value& b, bool drop) {
  Value low = t.make({x.rows(), a.rows()});
  {
    Value mx = x;
    if (drop) mx = t.make(x.shape);
    t.gemm(Work::forward, x.rows(), a.rows(), a.cols());
  }
  const Value before = y.ghost();
  Value out = t.reuse(std::move(y));
  t.gemm(Work::forward, x.rows(), b.rows(), b.cols());
  const Value xs = t.keep(x, t.needs(a)), ts = t.keep(low, t.needs(b)), as = a, bs = b;
  const bool through = t.needs(x) || t.needs(a);
  return t.record(out, {before, x, a, b}, [&t, before, xs, ts, as, bs, through, drop](Back& bw) {
    const int64_t n = bw.dy().rows(), r = as.rows(), in = as.cols(), width = bs.rows();
    if (bw.into(bs)) t.gemm(Work::weight_gradient, width, r, n);
    if (through) {
      const Value dt = bw.scratch({n, r});
      t.gemm(Work::input_gradient, n, r, width);
      if (bw.into(as)) {
        Value mx;
        if (drop) mx = bw.scratch(xs.shape);
        t.gemm(Work::weight_gradient, r, in, n);
      }
      if (bw.into(xs)) {
        Value dmx;
        if (drop) dmx = bw.scratch(xs.shape);
        t.gemm(Work::input_gradient, n, in, r);
      }
    }
    bw.give(before);
  });
}

Value activation(Tape& t, const Value& x, Activation act) {
  Value y = t.make(x.shape);
  const Value kept = t.keep(act == Activation::tanh ? y : x, t.needs(x)), input = x.ghost();
  return t.record(y, {x}, [kept, input](Back& bw) { bw.into(input); });
}

Value dropout(Tape& t, Value x, double p) {
  if (!t.drops() || p <= 0) return x;
  const Value input = x.ghost();
  Value y = t.reuse(std::move(x));
  return t.record(y, {input}, [input](Back& bw) { bw.into(input); });
}

Value add(Tape& t, Value a, const Value& b) {
  const Value as = a.ghost(), bs = b.ghost(), other = b;
  Value y = t.reuse(std::move(a));
  return t.record(y, {as, bs}, [as, bs](Back& bw) {
    bw.into(bs);
    bw.give(as);
  });
}

Value scale(Tape& t, Value x) {
  const Value xs = x.ghost();
  Value y = t.reuse(std::move(x));
  return t.record(y, {xs}, [xs](Back& bw) { bw.into(xs); });
}

Value column_scale(Tape& t, const Value& x, const Value& l) {
  Value y = t.make(x.shape);
  const Value xs = t.keep(x, t.needs(l)), ls = l;
  return t.record(y, {x, l}, [xs, ls](Back& bw) {
    bw.into(ls);
    bw.into(xs);
  });
}

Value select_rows(Tape& t, const Value& x, int64_t rows) {
  Value y = t.make({rows, x.cols()});
  const Value xs = x.ghost();
  if (!t.needs(x)) return t.record(y, {xs}, [](Back&) {});
  constexpr auto kIndex = static_cast<int64_t>(sizeof(int32_t)),
                 kScalar = static_cast<int64_t>(sizeof(engine::Scalar));
  const Value kept = t.keep(t.make({1, (rows * kIndex + kScalar - 1) / kScalar}), true);
  return t.record(y, {xs}, [xs, kept](Back& bw) { bw.into(xs); });
}

Value select_columns(Tape& t, const Value& x, int64_t count) {
  Value y = t.make({x.rows(), count});
  const Value xs = x.ghost();
  return t.record(y, {xs}, [xs](Back& bw) { bw.into(xs); });
}

Value embedding_sum(Tape& t, std::initializer_list<Value> tables, int64_t n) {
  Value y = t.make({n, tables.begin()->cols()});
  Value any = *tables.begin();
  for (const Value& table : tables)
    if (t.needs(table)) any = table;
  return t.record(y, {any}, [](Back&) {});  // gradients of tables are written in place
}

Value layer_norm(Tape& t, const Value& x, const Value& w, const Value& b) {
  Value y = t.make(x.shape);
  const Value mean = t.make({x.rows(), 1}), rstd = t.make({x.rows(), 1});
  const bool all = t.needs(x) || t.needs(w);
  const Value xs = t.keep(x, all), means = t.keep(mean, all), rstds = t.keep(rstd, all);
  return t.record(y, {x, w, b}, [xs, means, rstds](Back& bw) { bw.into(xs); });
}

Value add_layer_norm(Tape& t, Value h, const Value& residual, const Value& w, const Value& b,
                     double p) {
  const Value hs = h.ghost(), rs = residual.ghost();
  Value z = t.reuse(std::move(h));
  Value y = t.make(z.shape);
  const Value mean = t.make({z.rows(), 1}), rstd = t.make({z.rows(), 1});
  const bool through = t.needs(hs) || t.needs(residual), all = through || t.needs(w);
  const Value zs = t.keep(z, all), means = t.keep(mean, all), rstds = t.keep(rstd, all);
  return t.record(y, {hs, residual, w, b}, [hs, rs, zs, means, rstds, through](Back& bw) {
    if (!through) return;
    bw.into(hs);
    const bool alone = !bw.written(rs);
    const bool dr = bw.into(rs);
    Value own;
    if (!dr || !alone) own = bw.scratch(zs.shape);
  });
}

Value attention(Tape& t, const Value& q, const Value& k, const Value& v, const Packed& packed,
                int64_t heads, const Value& prefix_k, const Value& prefix_v) {
  const int64_t prefix = prefix_k.rows();
  const bool scores = t.needs(q) || t.needs(k) || t.needs(prefix_k);
  const bool any = scores || t.needs(v) || t.needs(prefix_v);
  Value y = t.make(q.shape);
  const Value lse = any ? t.make({q.rows(), heads}) : Value();
  const int64_t tile = (q.rows() / packed.sequences * (packed.length + prefix) + 15) / 16 * 16;
  const int64_t copy = prefix ? ((packed.length + prefix) * q.cols() / heads + 15) / 16 * 16 : 0;
  const double row = 2.0 * static_cast<double>(q.rows()) * static_cast<double>(q.cols());
  const double own = row * static_cast<double>(packed.length),
               front = row * static_cast<double>(prefix);  // FLOPs of a product
  {
    const Value memory = t.make({t.threads(), tile + copy});
    t.count(Work::forward, 2, 2 * (own + front));
  }
  const Value qs = t.keep(q, any), ks = t.keep(k, any), vs = t.keep(v, scores);
  const Value pks = t.keep(prefix_k, any), pvs = t.keep(prefix_v, scores),
              lses = any ? t.keep(lse, true) : lse;
  return t.record(y, {q, k, v, prefix_k, prefix_v},
                  [&t, qs, ks, vs, pks, pvs, lses, tile, copy, own, front](Back& bw) {
                    const bool dv = bw.into(vs), dpv = bw.into(pvs), dq = bw.into(qs),
                               dk = bw.into(ks), dpk = bw.into(pks);
                    const Value memory = bw.scratch({t.threads(), 3 * tile + 2 * copy});
                    const auto halves = [&](bool a, bool b) {
                      return (a ? own : 0) + (b ? front : 0);
                    };
                    const int whole = 1 + (dq || dk || dpk) + dq;
                    t.count(Work::input_gradient, whole + (dv || dpv) + (dk || dpk),
                            whole * (own + front) + halves(dv, dpv) + halves(dk, dpk));
                  });
}

Value cross_entropy(Tape& t, const Value& logits) {
  const Value p = t.make(logits.shape);
  Value loss = t.make({1, 1});
  if (!t.needs(logits)) return t.record(loss, {logits}, [](Back&) {});
  const Value labels = keep_labels(t, logits.rows()), ps = t.keep(p, true), input = logits.ghost();
  return t.record(loss, {logits}, [labels, ps, input](Back& bw) { bw.into(input); });
}

Value mse(Tape& t, const Value& predictions) {
  Value loss = t.make({1, 1});
  if (!t.needs(predictions)) return t.record(loss, {predictions}, [](Back&) {});
  const Value labels = keep_labels(t, predictions.rows()), ys = t.keep(predictions, true);
  return t.record(loss, {predictions}, [labels, ys](Back& bw) { bw.into(ys); });
}

Value rms_norm(Tape& t, const Value& x, const Value& w) {
  Value y = t.make(x.shape);
  const bool any = t.needs(x) || t.needs(w);
  const Value rstd = t.make({x.rows(), 1}), xs = t.keep(x, any), rstds = t.keep(rstd, any);
  return t.record(y, {x, w}, [xs, rstds](Back& bw) { bw.into(xs); });
}

Value swiglu(Tape& t, const Value& gate, const Value& up) {
  Value y = t.make(gate.shape);
  const bool any = t.needs(gate) || t.needs(up);
  const Value gates = t.keep(gate, any), ups = t.keep(up, any);
  return t.record(y, {gate, up}, [gates, ups](Back& bw) {
    bw.into(gates);
    bw.into(ups);
  });
}

Value rotary(Tape& t, Value x) {
  const Value input = x.ghost();
  Value y = t.reuse(std::move(x));
  return t.record(y, {input}, [input](Back& bw) { bw.give(input); });
}

}  // namespace apps::sym
