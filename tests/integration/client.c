/* A bundle's SavedModel on TensorFlow's C API, without Python.

   client FOLDER TYPE BATCH WINDOW FEATURES INPUT OUTPUT[:INDEX]... < windows > outputs
   INPUT and OUTPUT are names of operations, as saved_model_cli shows them; windows and outputs are raw bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

static TF_Status *status;

static void check(const char *what) {
  if (TF_GetCode(status) != TF_OK) { fprintf(stderr, "%s: %s\n", what, TF_Message(status)); exit(1); }
}

static TF_Output find(TF_Graph *graph, char *name) {
  char *colon = strchr(name, ':');
  TF_Output found = {NULL, 0};
  if (colon) { found.index = atoi(colon + 1); *colon = 0; }
  found.oper = TF_GraphOperationByName(graph, name);
  if (!found.oper) { fprintf(stderr, "%s: no such operation\n", name); exit(1); }
  return found;
}

int main(int argc, char **argv) {
  if (argc < 8 || argc > 15) { fprintf(stderr, "usage: see above\n"); return 1; }
  status = TF_NewStatus();
  TF_DataType type = strcmp(argv[2], "float64") ? TF_FLOAT : TF_DOUBLE;
  int64_t dims[] = {atoll(argv[3]), atoll(argv[4]), atoll(argv[5])};
  const char *tags[] = {"serve"};
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, NULL, status);
  check("load");

  TF_Tensor *window = TF_AllocateTensor(type, dims, 3, dims[0] * dims[1] * dims[2] * TF_DataTypeSize(type));
  if (fread(TF_TensorData(window), 1, TF_TensorByteSize(window), stdin) != TF_TensorByteSize(window)) return 1;
  TF_Output input = find(graph, argv[6]), outputs[8];
  TF_Tensor *found[8] = {NULL};
  int count = argc - 7;
  for (int i = 0; i < count; ++i) outputs[i] = find(graph, argv[7 + i]);
  TF_SessionRun(session, NULL, &input, &window, 1, outputs, found, count, NULL, 0, NULL, status);
  check("run");
  for (int i = 0; i < count; ++i) fwrite(TF_TensorData(found[i]), 1, TF_TensorByteSize(found[i]), stdout);
  fprintf(stderr, "TensorFlow %s\n", TF_Version());

  for (int i = 0; i < count; ++i) TF_DeleteTensor(found[i]);
  TF_DeleteTensor(window);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
