#include "engine/ops/kv_cache.h"

#include <algorithm>
#include <unordered_set>

namespace engine {

KvCache::KvCache(int layers, int64_t width, int sequences)
    : layers_(layers), width_(width), all_(static_cast<size_t>(sequences)) {
  check(layers > 0 && width > 0 && sequences >= 0, "kv_cache", layers, " layers of ", width,
        " columns for ", sequences, " sequences");
}

bool KvCache::empty() const {
  return std::all_of(all_.begin(), all_.end(), [](const Sequence& s) { return s.length == 0; });
}

void KvCache::reorder(const std::vector<int>& parents) {
  std::vector<Sequence> next;
  next.reserve(parents.size());
  for (const int parent : parents) {
    check(parent >= 0 && parent < sequences(), "kv_cache", "no sequence ", parent);
    next.push_back(all_[static_cast<size_t>(parent)]);
  }
  all_ = std::move(next);
}

void KvCache::begin_step(const Segments& rows) {
  check(rows.count() == sequences(), "kv_cache", "a step of ", rows.count(), " sequences, but ",
        sequences(), " are cached");
  const size_t scalars = at(layers_, 0);
  for (int s = 0; s < sequences(); ++s) {
    Sequence& q = all_[static_cast<size_t>(s)];
    q.filled = q.length + rows.length(s);
    for (auto page = static_cast<size_t>(q.length / kPage);
         page * kPage < static_cast<size_t>(q.filled); ++page) {
      if (page == q.pages.size())
        q.pages.push_back(std::make_shared<Page>(scalars));
      else if (q.pages[page].use_count() > 1)
        q.pages[page] = std::make_shared<Page>(*q.pages[page]);
    }
  }
}

void KvCache::write(int layer, int sequence, int64_t position, const Scalar* key,
                    const Scalar* value) {
  Page& page = *all_[static_cast<size_t>(sequence)].pages[static_cast<size_t>(position / kPage)];
  Scalar* to = page.data.data() + at(layer, position % kPage);
  std::copy_n(key, width_, to);
  std::copy_n(value, width_, to + kPage * width_);
}

void KvCache::end_step() {
  for (Sequence& q : all_) q.length = q.filled;
}

int64_t KvCache::pages(int sequence) const {
  return (all_[static_cast<size_t>(sequence)].filled + kPage - 1) / kPage;
}

KvCache::Part KvCache::part(int layer, int sequence, int64_t page) const {
  const Sequence& q = all_[static_cast<size_t>(sequence)];
  const Scalar* keys = q.pages[static_cast<size_t>(page)]->data.data() + at(layer, 0);
  return {keys, keys + kPage * width_, std::min(kPage, q.filled - page * kPage)};
}

int64_t KvCache::bytes() const {
  std::unordered_set<const Page*> seen;
  int64_t total = 0;
  for (const Sequence& q : all_)
    for (const auto& page : q.pages)
      if (seen.insert(page.get()).second)
        total += static_cast<int64_t>(page->data.size() * sizeof(Scalar));
  return total;
}

}  // namespace engine
