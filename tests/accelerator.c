/* An accelerator for the tests: an external delegate of TensorFlow Lite that takes SOFTMAX, and a custom operator where it
 * is told its name, and gives all of the score to one class, so that whoever looks sees who computed it.
 *
 * No package installs TensorFlow Lite's headers. What is declared here follows the layout of its C structures, to which
 * fields are only ever added at the end: tensorflow/lite/core/c/common.h and, for the two functions that are exported,
 * tensorflow/lite/delegates/external/external_delegate_interface.h.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { OK = 0, FAILED = 1 };
enum { FLOAT32 = 1, UINT8 = 3, INT8 = 9 };
enum { SOFTMAX = 25, CUSTOM = 32 };

typedef struct { int size; int data[]; } Integers;
typedef struct Context Context;
typedef struct Delegate Delegate;

typedef struct {
    int type;
    void *data;
    Integers *shape;
    struct { float scale; int32_t zero; } quantisation_of_old;
    int allocation_type;
    size_t bytes;
    const void *allocation;
    const char *name;
    Delegate *delegate;
    int buffer_handle;
    bool data_is_stale, is_variable;
    struct { int type; void *parameters; } quantisation;
    void *sparsity;
    const Integers *signature;
} Tensor;

typedef struct {
    Integers *inputs, *outputs, *intermediates, *temporaries;
    void *user_data, *builtin_data;
    const void *custom_data;
    int custom_data_size;
    Delegate *delegate;
    bool might_have_side_effect;
} Node;

typedef struct {
    void *(*init)(Context *, const char *, size_t);
    void (*free)(Context *, void *);
    int (*prepare)(Context *, Node *);
    int (*invoke)(Context *, Node *);
    const char *(*profiling_string)(const Context *, const Node *);
    int32_t builtin_code;
    const char *custom_name;
    int version;
    void *external, *async_kernel;
    uint64_t inplace;
} Registration;

struct Context {
    size_t tensor_count;
    int (*execution_plan)(Context *, Integers **);
    Tensor *tensors;
    void *implementation;
    int (*resize_tensor)(Context *, Tensor *, Integers *);
    void (*report_error)(Context *, const char *, ...);
    int (*add_tensors)(Context *, int, int *);
    int (*node_and_registration)(Context *, int, Node **, Registration **);
    int (*replace_nodes)(Context *, Registration, const Integers *, Delegate *);
};

struct Delegate {
    void *data;
    int (*prepare)(Context *, Delegate *);
    void *copy_from_buffer_handle, *copy_to_buffer_handle, *free_buffer_handle;
    int64_t flags;
    void *opaque_builder;
};

typedef struct {
    Delegate delegate;
    int mark, left;
    const char *operator, *log, *kills;
    bool has_device;
} Accelerator;

static void tell(const Accelerator *accelerator, const char *what) {
    FILE *log = accelerator->log ? fopen(accelerator->log, "a") : NULL;
    if (log) {
        fprintf(log, "%s\n", what);
        fclose(log);
    }
}

static void *begin(Context *context, const char *parameters, size_t length) {
    (void)context, (void)length;
    return *(void **)parameters; /* of all that stands there, the delegate comes first */
}

static void end(Context *context, void *accelerator) {
    (void)context;
    tell(accelerator, "the kernel ends");
}

static int ready(Context *context, Node *node) {
    (void)context, (void)node;
    return OK;
}

static int compute(Context *context, Node *node) {
    Accelerator *accelerator = node->user_data;
    if (accelerator->left == 0) {
        context->report_error(context, "the device is gone");
        return FAILED;
    }
    if (accelerator->left > 0)
        accelerator->left--;
    Tensor *scores = &context->tensors[node->outputs->data[0]];
    int count = scores->shape->data[scores->shape->size - 1];
    for (int index = 0; index < count; index++) {
        bool is_it = index == accelerator->mark;
        switch (scores->type) {
        case FLOAT32: ((float *)scores->data)[index] = is_it; break;
        case UINT8: ((uint8_t *)scores->data)[index] = is_it ? 255 : 0; break;
        case INT8: ((int8_t *)scores->data)[index] = is_it ? 127 : -128; break;
        default: return FAILED;
        }
    }
    return OK;
}

static int take_nodes(Context *context, Delegate *delegate) {
    Accelerator *accelerator = delegate->data;
    Dl_info runtime;
    if (accelerator->kills && dladdr((void *)context->execution_plan, &runtime) &&
        strstr(runtime.dli_fname, accelerator->kills))
        raise(SIGSEGV); /* as one that was built for another runtime does */
    Integers *plan;
    if (context->execution_plan(context, &plan) != OK)
        return FAILED;
    Integers *taken = malloc(sizeof *taken + plan->size * sizeof(int));
    taken->size = 0;
    for (int place = 0; place < plan->size; place++) {
        Node *node;
        Registration *registration;
        if (context->node_and_registration(context, plan->data[place], &node, &registration) != OK)
            return FAILED;
        bool is_ours = registration->builtin_code == CUSTOM && accelerator->operator && registration->custom_name &&
                       !strcmp(registration->custom_name, accelerator->operator);
        if (registration->builtin_code == SOFTMAX || is_ours)
            taken->data[taken->size++] = plan->data[place];
    }
    Registration kernel = {.init = begin, .free = end, .prepare = ready, .invoke = compute, .version = 1};
    kernel.custom_name = "Marking";
    int status = context->replace_nodes(context, kernel, taken, delegate);
    free(taken);
    return status;
}

/* The device, which one process may have at a time, for all of its delegates, as a Coral is. */
static int device = -1, users;

static bool lock(Accelerator *accelerator, const char *path) {
    if (device < 0)
        device = open(path, O_RDONLY);
    if (device < 0 || flock(device, LOCK_EX | LOCK_NB) != 0)
        return false;
    accelerator->has_device = true;
    users++;
    return true;
}

void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
    Accelerator *accelerator = calloc(1, sizeof *accelerator);
    char problem[200] = "";
    accelerator->left = -1;
    for (size_t index = 0; index < count; index++) {
        const char *key = keys[index], *value = values[index];
        if (!strcmp(key, "mark"))
            accelerator->mark = atoi(value);
        else if (!strcmp(key, "lasts"))
            accelerator->left = atoi(value);
        else if (!strcmp(key, "operator"))
            accelerator->operator = strdup(value);
        else if (!strcmp(key, "log"))
            accelerator->log = strdup(value);
        else if (!strcmp(key, "kills"))
            accelerator->kills = strdup(value);
        else if (!strcmp(key, "silent"))
            return NULL;
        else if (strcmp(key, "device"))
            snprintf(problem, sizeof problem, "unknown option: %s;\nmark is one", key);
        else if (!lock(accelerator, value))
            snprintf(problem, sizeof problem, "no device at %s", value);
    }
#ifdef DEVICE /* always the same one */
    if (!lock(accelerator, DEVICE))
        strcpy(problem, "no device at " DEVICE);
#endif
    if (*problem) {
        report(problem);
        return NULL;
    }
    accelerator->delegate.data = accelerator;
    accelerator->delegate.prepare = take_nodes;
    accelerator->delegate.flags = 1; /* takes sizes that are not known yet: else each operator is to be ready before */
    tell(accelerator, "the delegate begins");
    return accelerator;
}

void tflite_plugin_destroy_delegate(void *delegate) {
    Accelerator *accelerator = delegate;
    if (!accelerator)
        return;
    tell(accelerator, "the delegate ends");
    if (accelerator->has_device && --users == 0) {
        close(device);
        device = -1;
    }
    free(accelerator);
}
