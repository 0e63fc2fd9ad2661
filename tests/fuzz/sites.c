// SPDX-License-Identifier: MIT
/* Reads 64-bit ELF modules with RELA relocations, as on x86 and arm64. */
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/sites.h"

#define MODULE "/modules/bufalloc.ko"
#define SECTIONS "/sys/module/bufalloc/sections/"
#define CALLEE "__sanitizer_cov_trace_pc"

/* Bytes from the relocation to the end of the call: its last four bytes; on arm64, all four. */
#define AFTER_CALL 4

/**
 * struct file - the module's file, mapped
 * @bytes: its content.
 * @sections: its section headers.
 * @count: number of sections.
 * @names: names of the sections.
 */
struct file {
	const unsigned char *bytes;
	const Elf64_Shdr *sections;
	unsigned int count;
	const char *names;
};

static int file_open(struct file *file)
{
	int fd = open(MODULE, O_RDONLY | O_CLOEXEC);
	const Elf64_Ehdr *header;
	struct stat status;
	void *bytes;

	if (fd < 0)
		return -1;
	bytes = fstat(fd, &status) ? MAP_FAILED :
				     mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return -1;
	header = bytes;
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return -1;
	file->bytes = bytes;
	file->sections = bytes + header->e_shoff;
	file->count = header->e_shnum;
	file->names = bytes + file->sections[header->e_shstrndx].sh_offset;
	return 0;
}

/* Return: the address of a section in memory; 0: the section is not loaded, or was freed. */
static uint64_t section_address(const char *name)
{
	char path[256];
	uint64_t address = 0;
	FILE *file;

	if (!strncmp(name, ".init", 5) || !strncmp(name, ".exit", 5))
		return 0;
	snprintf(path, sizeof(path), SECTIONS "%s", name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%" SCNx64, &address) != 1)
		address = 0;
	fclose(file);
	return address;
}

static bool is_callee(const struct file *file, const Elf64_Shdr *relocations,
		      uint32_t symbol)
{
	const Elf64_Shdr *table = &file->sections[relocations->sh_link];
	const Elf64_Sym *symbols = (const void *)(file->bytes + table->sh_offset);
	const Elf64_Shdr *strings = &file->sections[table->sh_link];
	const char *name = (const char *)file->bytes + strings->sh_offset +
			   symbols[symbol].st_name;

	return !strcmp(name, CALLEE);
}

static uint32_t section_sites(const struct file *file, const Elf64_Shdr *section,
			      uint64_t *sites, uint32_t max)
{
	const Elf64_Rela *relocation = (const void *)(file->bytes + section->sh_offset);
	uint64_t base = section_address(file->names +
					file->sections[section->sh_info].sh_name);
	uint32_t count = 0;
	uint64_t i;

	if (!base)
		return 0;
	for (i = 0; i < section->sh_size / sizeof(*relocation) && count < max; i++)
		if (is_callee(file, section, ELF64_R_SYM(relocation[i].r_info)))
			sites[count++] = base + relocation[i].r_offset + AFTER_CALL;
	return count;
}

static int compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return (a > b) - (a < b);
}

uint32_t sites_find(uint64_t *sites, uint32_t max)
{
	struct file file;
	uint32_t count = 0;
	unsigned int i;

	if (file_open(&file))
		return 0;
	for (i = 0; i < file.count; i++)
		if (file.sections[i].sh_type == SHT_RELA)
			count += section_sites(&file, &file.sections[i], sites + count,
					       max - count);
	qsort(sites, count, sizeof(*sites), compare);
	return count;
}

void site_name(uint64_t site, char *text, int size)
{
	uint64_t base, best = 0;
	static struct file file;
	const char *name;
	unsigned int i;

	*text = '\0';
	if (!file.bytes && file_open(&file))
		return;
	for (i = 0; i < file.count; i++) {
		name = file.names + file.sections[i].sh_name;
		if (!(file.sections[i].sh_flags & SHF_EXECINSTR))
			continue;
		base = section_address(name);
		if (base > best && base <= site) {
			best = base;
			snprintf(text, size, "%s+%#" PRIx64, name, site - base);
		}
	}
}
