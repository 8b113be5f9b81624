// Objects of any type for one step, which keep their memory for the next.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace engine {

class Recycled {
 public:
  // As an earlier step left it, or new; valid until this object goes, the caller's until reset().
  template <class T>
  T& take() {
    OfType<T>& own = of_type<T>();
    if (own.used == own.objects.size()) own.objects.push_back(std::make_unique<T>());
    return *own.objects[own.used++];
  }
  void reset() {
    for (const auto& type : types_) type->used = 0;
  }

 private:
  struct AnyType {
    virtual ~AnyType() = default;
    const void* key = nullptr;
    size_t used = 0;
  };
  template <class T>
  struct OfType : AnyType {
    std::vector<std::unique_ptr<T>> objects;
  };
  // One address for each type.
  template <class T>
  static inline const char key_of = 0;

  template <class T>
  OfType<T>& of_type() {
    for (const auto& type : types_)
      if (type->key == &key_of<T>) return static_cast<OfType<T>&>(*type);
    types_.push_back(std::make_unique<OfType<T>>());
    types_.back()->key = &key_of<T>;
    return static_cast<OfType<T>&>(*types_.back());
  }

  std::vector<std::unique_ptr<AnyType>> types_;
};

}  // namespace engine
