/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A kernel's source for tests: a Makefile that takes what the kernel's takes, and compiles nothing;
 * and the programs that building a kernel asks for. */
#pragma once

#include <fcntl.h>

#include "tests/unit/tools/kernel-command.h"
#include "tests/unit/tools/kernel-image.h"

#define TREE_OBJECTS 20

/*
 * The files beside it change what it does: "unknown" names a setting that it does not have,
 * "broken" an object that does not compile, "by-path" lets the kernel depend on where it is built.
 * Each object that is compiled adds a line to the file "compiled".
 */
static const char tree_makefile[] =
    "VERSION = 6\n"
    "PATCHLEVEL = 1\n"
    "SUBLEVEL = 9\n"
    "EXTRAVERSION =\n"
    "here := $(CURDIR)\n"
    "objects := $(foreach n,1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20,$(O)/dir/a$n.o)\n"
    "allnoconfig:\n"
    "\t@echo '# made' >$(O)/.config\n"
    "\t@grep -v -x -F -f $(here)/unknown $(KCONFIG_ALLCONFIG) >>$(O)/.config\n"
    "\t@sed -i 's/^\\(CONFIG_.*\\)=n$$/# \\1 is not set/' $(O)/.config\n"
    "olddefconfig:\n"
    "\t@echo 'CONFIG_CC_VERSION_TEXT=\"testcc 1.0\"' >>$(O)/.config\n"
    "$(objects): $(O)/.config\n"
    "\t@echo '  CC      $(patsubst $(O)/%,%,$@)'\n"
    "\t@mkdir -p $(O)/dir; sleep 0.01; ! grep -q -x $(notdir $@) $(here)/broken || \\\n"
    "\t\t{ echo 'a.c:7: error: no such thing'; exit 1; }\n"
    "\t@echo $(notdir $@) >>$(here)/compiled; touch $@\n"
    "vmlinux: $(objects)\n"
    "\t@echo '  LD      vmlinux'; cp $(here)/image $(O)/vmlinux\n"
    "\t@echo \"$$LC_ALL $$TZ $$SOURCE_DATE_EPOCH $$KBUILD_BUILD_TIMESTAMP $$KBUILD_BUILD_VERSION\" "
    "\\\n"
    "\t\t\"$$KBUILD_BUILD_USER $$KBUILD_BUILD_HOST $(ARCH) [$(LOCALVERSION)] [$$KCFLAGS]\" "
    ">>$(O)/vmlinux\n"
    "\t@! test -e $(here)/by-path || echo $(O) >>$(O)/vmlinux\n"
    ".PHONY: allnoconfig olddefconfig vmlinux\n";

/* What the tree adds to the kernel, of what it was told. */
#define TREE_SURROUNDINGS "C UTC 0 1970-01-01 00:00:00 UTC 1 volt volt x86_64 [] []\n"

static inline void write_program(const struct temporary_dir *dir, const char *name,
                                 const char *text)
{
    char path[PATH_MAX];

    temporary_write(dir, name, text);
    assert_int_equal(chmod(temporary_path(dir, name, path), 0755), 0);
}

/* The tree is "tree" in DIR, the programs are in "bin", and are found first. */
static inline struct temporary_dir tree_new(void)
{
    static const char *const programs[] = {"gcc", "ld", "flex", "bison", "bc", "xz"};
    struct temporary_dir dir = temporary_dir_new();
    _cleanup_bytes_ struct bytes image = vmlinux_new("CONFIG_X=y\n");
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/bin:/usr/bin:/bin", dir.path);
    assert_int_equal(setenv("PATH", path, 1), 0);
    make_dirs(&dir, "tree");
    make_dirs(&dir, "bin");
    make_dirs(&dir, "usr/lib/volt/kernel-config.d");
    temporary_write(&dir, "tree/Makefile", tree_makefile);
    temporary_write(&dir, "tree/unknown", "none\n");
    temporary_write(&dir, "tree/broken", "none\n");
    temporary_write_bytes(&dir, "tree/image", image.data, image.size);
    for (size_t i = 0; i < ELEMENTSOF(programs); i++) {
        char name[32];

        (void)snprintf(name, sizeof(name), "bin/%s", programs[i]);
        write_program(&dir, name, "#!/bin/sh\n");
    }
    write_program(&dir, "bin/objcopy", "#!/bin/sh\ncp \"$3\" \"$4\"\n");
    temporary_write(&dir, "usr/lib/volt/kernel-config.d/10-a.config",
                    "# words\n\nCONFIG_A=y  # why\nCONFIG_B=n  # why not\n"
                    "CONFIG_OLD=y # before 6.1: gone\nCONFIG_NEW=y # since 6.1: come\n");
    return dir;
}

/* How often an object was compiled. */
static inline unsigned tree_compiled(const struct temporary_dir *dir)
{
    char path[PATH_MAX], text[16384] = "";
    _cleanup_fclose_ FILE *f = fopen(temporary_path(dir, "tree/compiled", path), "re");

    if (f)
        (void)!fread(text, 1, sizeof(text) - 1, f);
    return count_lines(text);
}
