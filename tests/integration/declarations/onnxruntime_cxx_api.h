// What the model card's client calls of ONNX Runtime's C++ API, declared as its headers have it (API version 17 and
// later); enough to check the client's syntax and types, not to link it.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING = 2 };
enum OrtAllocatorType { OrtDeviceAllocator = 0, OrtArenaAllocator = 1 };
enum OrtMemType { OrtMemTypeDefault = 0 };
struct OrtMemoryInfo;
#define ORTCHAR_T char

namespace Ort {
struct Env {
  Env(OrtLoggingLevel logging_level = ORT_LOGGING_LEVEL_WARNING, const char* logid = "");
};
struct SessionOptions {
  SessionOptions();
};
struct RunOptions {
  RunOptions();
};
struct MemoryInfo {
  static MemoryInfo CreateCpu(OrtAllocatorType type, OrtMemType mem_type1);
  operator const OrtMemoryInfo*() const;
};
struct TensorTypeAndShapeInfo {
  size_t GetElementCount() const;
};
struct Value {
  Value(Value&&) = default;
  template <typename T>
  static Value CreateTensor(const OrtMemoryInfo* info, T* p_data, size_t p_data_element_count, const int64_t* shape,
                            size_t shape_len);
  template <typename T>
  const T* GetTensorData() const;
  TensorTypeAndShapeInfo GetTensorTypeAndShapeInfo() const;
};
struct Session {
  Session(const Env& env, const ORTCHAR_T* model_path, const SessionOptions& options);
  std::vector<Value> Run(const RunOptions& run_options, const char* const* input_names, const Value* input_values,
                         size_t input_count, const char* const* output_names, size_t output_count);
};
}  // namespace Ort
