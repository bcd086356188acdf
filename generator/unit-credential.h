/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a unit says of credentials: systemd gives them to the VMM, which passes them on. */
#pragma once

#include "generator/config.h"

/* SetCredential= and LoadCredential= (systemd.exec(5)), with a blank line and a comment before. */
void unit_write_credentials(FILE *f, const struct vm_config *config);

/* Further words of RequiresMountsFor=. */
void unit_write_credential_mounts(FILE *f, const struct vm_config *config);
