/* A qemu plugin that counts the instructions of a program and prints them when it ends.
 *
 * Debian ships no header of qemu's plugin interface (version 1), so what is used of it is declared here. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
typedef void (*translated)(plugin_id, struct qemu_plugin_tb *);
typedef void (*at_exit)(plugin_id, void *);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, translated);
void qemu_plugin_register_atexit_cb(plugin_id, at_exit, void *);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int operation, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
enum { ADD = 0 };

int qemu_plugin_version = 1;
static uint64_t count;

static void translate(plugin_id id, struct qemu_plugin_tb *block) {
    qemu_plugin_register_vcpu_tb_exec_inline(block, ADD, &count, qemu_plugin_tb_n_insns(block));
}

static void tell(plugin_id id, void *nothing) {
    fprintf(stderr, "instructions: %" PRIu64 "\n", count);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, tell, NULL);
    return 0;
}
