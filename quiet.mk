# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# $(call say,CC)COMMAND : a short line for what a command makes, instead of the command.
# make V=1 shows the commands, make -s nothing.
ifeq ($(V),)
say = @$(if $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),,echo '  $(1)	$(@:$(O)/%=%)';)
endif
