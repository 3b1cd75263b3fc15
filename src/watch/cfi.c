/*
 * cfi: reads .eh_frame and runs the programs in it.
 *
 *	FDE   one function: its length, its program
 *	CIE   what FDEs share: units, encodings, the start of their programs
 *
 * A program is a list of changes to a row (where the CFA is, where registers
 * are saved), each from a pc on. It is run up to the pc asked for. Only sp, bp
 * and pc matter here. What is not understood makes the program bad, and then
 * there is no rule: frames that need more than this are rare.
 */
#include "watch/cfi.h"

#include <stddef.h>

#define DWARF_BP 6
#define DWARF_SP 7
#define DWARF_PC 16

/* --- bytes ------------------------------------------------------------- */

struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	bool is_bad;
};

static uint64_t read_bytes(struct cursor *cursor, uint32_t n)
{
	uint64_t value = 0;
	if (n > (size_t)(cursor->end - cursor->at)) {
		cursor->is_bad = true;
		cursor->at = cursor->end;
		return 0;
	}
	for (uint32_t i = 0; i < n; i++)
		value |= (uint64_t)cursor->at[i] << (8 * i);
	cursor->at += n;
	return value;
}

static uint8_t read_byte(struct cursor *cursor)
{
	return (uint8_t)read_bytes(cursor, 1);
}

/* Seven bits a byte, the lowest first; SIGN is set if the last bit was. */
static uint64_t read_leb(struct cursor *cursor, bool is_signed)
{
	uint64_t value = 0;
	uint32_t shift = 0;
	uint8_t byte;
	do {
		byte = read_byte(cursor);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (is_signed && shift < 64 && (byte & 0x40))
		value |= ~UINT64_C(0) << shift;
	return value;
}

static uint64_t read_unsigned(struct cursor *cursor)
{
	return read_leb(cursor, false);
}

static int64_t read_signed(struct cursor *cursor)
{
	return (int64_t)read_leb(cursor, true);
}

/* The next N bytes, which the cursor passes. */
static struct cursor read_block(struct cursor *cursor, uint64_t n)
{
	struct cursor block = *cursor;
	if (n > (size_t)(cursor->end - cursor->at)) {
		cursor->is_bad = true;
		n = 0;
	}
	block.end = block.at + n;
	cursor->at += n;
	return block;
}

/* --- the program ------------------------------------------------------- */

struct place {
	enum cfi_base base;
	int64_t offset;
};

struct row {
	bool cfa_is_known;
	bool cfa_is_from_bp;
	bool cfa_is_stored;
	int64_t cfa_offset;
	uint64_t cfa_added;
	bool pc_is_undefined;
	struct place pc;
	struct place bp;
};

#define N_REMEMBERED 8

struct program {
	uintptr_t pc;
	uintptr_t at;
	uint64_t code_unit;
	int64_t data_unit;
	struct cursor cie;
	struct cursor fde;
	uint32_t pointer_bytes;
	bool has_augmentation;
	bool is_signal;
	struct row row;
	struct row initial;
	struct row remembered[N_REMEMBERED];
	uint32_t n_remembered;
};

/* What it says of other registers goes where nobody looks. */
static void set_place(struct program *program, uint64_t reg, enum cfi_base base,
		      int64_t offset)
{
	struct place place = {.base = base, .offset = offset};
	if (reg == DWARF_BP)
		program->row.bp = place;
	if (reg == DWARF_PC) {
		program->row.pc = place;
		program->row.pc_is_undefined = false;
	}
}

static void restore_place(struct program *program, uint64_t reg)
{
	if (reg == DWARF_BP)
		program->row.bp = program->initial.bp;
	if (reg == DWARF_PC) {
		program->row.pc = program->initial.pc;
		program->row.pc_is_undefined = program->initial.pc_is_undefined;
	}
}

static void set_cfa_register(struct row *row, uint64_t reg)
{
	row->cfa_is_known = reg == DWARF_BP || reg == DWARF_SP;
	row->cfa_is_from_bp = reg == DWARF_BP;
	row->cfa_is_stored = false;
}

#define OP_DEREF 0x06
#define OP_PLUS_UCONST 0x23
#define OP_LIT0 0x30
#define OP_BREG0 0x70

/*
 * Linkers describe all entries of the PLT, of 16 bytes, in one: sp + 8 and,
 * from a byte of the entry on, 8 more.
 *	breg7 8, breg16 0, lit15, and, lit N, ge, lit3, shl, plus
 */
static bool is_plt(const struct cursor *block, uint8_t *pushed_at)
{
	static const uint8_t plt[] = {0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a,
				      0,    0x2a, 0x33, 0x24, 0x22};
	if (block->end - block->at != sizeof(plt))
		return false;
	for (uint32_t i = 0; i < sizeof(plt); i++)
		if (plt[i] != 0 && block->at[i] != plt[i])
			return false;
	*pushed_at = (uint8_t)(block->at[6] - OP_LIT0);
	return *pushed_at < 16;
}

/* sp or bp plus an offset; [stored there]; [plus a constant]. */
static void set_cfa_expression(struct program *program, struct cursor block)
{
	struct row *row = &program->row;
	uint8_t pushed_at;
	if (is_plt(&block, &pushed_at)) {
		set_cfa_register(row, DWARF_SP);
		row->cfa_offset = (program->pc & 15) >= pushed_at ? 16 : 8;
		return;
	}
	set_cfa_register(row, (uint64_t)read_byte(&block) - OP_BREG0);
	row->cfa_offset = read_signed(&block);
	row->cfa_added = 0;
	if (block.at < block.end)
		row->cfa_is_stored = read_byte(&block) == OP_DEREF;
	if (block.at < block.end) {
		if (read_byte(&block) != OP_PLUS_UCONST)
			block.is_bad = true;
		row->cfa_added = read_unsigned(&block);
	}
	if (block.is_bad || block.at != block.end ||
	    (row->cfa_added != 0 && !row->cfa_is_stored))
		row->cfa_is_known = false;
}

/* The address where it is saved: sp or bp plus an offset. */
static void set_place_expression(struct program *program, uint64_t reg,
				 struct cursor block)
{
	uint8_t op = read_byte(&block);
	int64_t offset = read_signed(&block);
	bool is_bp = op == OP_BREG0 + DWARF_BP;
	if (block.is_bad || block.at != block.end ||
	    (!is_bp && op != OP_BREG0 + DWARF_SP))
		set_place(program, reg, CFI_LOST, 0);
	else
		set_place(program, reg, is_bp ? CFI_AT_BP : CFI_AT_SP, offset);
}

static void remember(struct program *program, struct cursor *code)
{
	if (program->n_remembered == N_REMEMBERED)
		code->is_bad = true;
	else
		program->remembered[program->n_remembered++] = program->row;
}

static void recall(struct program *program, struct cursor *code)
{
	if (program->n_remembered == 0)
		code->is_bad = true;
	else
		program->row = program->remembered[--program->n_remembered];
}

enum {
	CFA_ADVANCE = 0x40,
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_NOP = 0x00,
	CFA_ADVANCE1 = 0x02,
	CFA_ADVANCE2 = 0x03,
	CFA_ADVANCE4 = 0x04,
	CFA_OFFSET_EXTENDED = 0x05,
	CFA_RESTORE_EXTENDED = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME_VALUE = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER_STATE = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF_CFA = 0x0c,
	CFA_DEF_CFA_REGISTER = 0x0d,
	CFA_DEF_CFA_OFFSET = 0x0e,
	CFA_DEF_CFA_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_EXTENDED_SF = 0x11,
	CFA_DEF_CFA_SF = 0x12,
	CFA_DEF_CFA_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_GNU_ARGS_SIZE = 0x2e,
};

/* Changes of the CFA. false if OP is none. */
static bool run_cfa(struct program *program, struct cursor *code, uint8_t op)
{
	struct row *row = &program->row;
	switch (op) {
	case CFA_DEF_CFA:
		set_cfa_register(row, read_unsigned(code));
		row->cfa_offset = (int64_t)read_unsigned(code);
		return true;
	case CFA_DEF_CFA_SF:
		set_cfa_register(row, read_unsigned(code));
		row->cfa_offset = read_signed(code) * program->data_unit;
		return true;
	case CFA_DEF_CFA_REGISTER:
		set_cfa_register(row, read_unsigned(code));
		return true;
	case CFA_DEF_CFA_OFFSET:
		row->cfa_offset = (int64_t)read_unsigned(code);
		return true;
	case CFA_DEF_CFA_OFFSET_SF:
		row->cfa_offset = read_signed(code) * program->data_unit;
		return true;
	case CFA_DEF_CFA_EXPRESSION:
		set_cfa_expression(program,
				   read_block(code, read_unsigned(code)));
		return true;
	default:
		return false;
	}
}

/* Changes of REG, the operand of them all. false if OP is none. */
static bool run_register(struct program *program, struct cursor *code,
			 uint8_t op, uint64_t reg)
{
	switch (op) {
	case CFA_OFFSET_EXTENDED:
		set_place(program, reg, CFI_AT_CFA,
			  (int64_t)read_unsigned(code) * program->data_unit);
		return true;
	case CFA_OFFSET_EXTENDED_SF:
		set_place(program, reg, CFI_AT_CFA,
			  read_signed(code) * program->data_unit);
		return true;
	case CFA_RESTORE_EXTENDED:
		restore_place(program, reg);
		return true;
	case CFA_UNDEFINED:
		set_place(program, reg, CFI_LOST, 0);
		if (reg == DWARF_PC)
			program->row.pc_is_undefined = true;
		return true;
	case CFA_SAME_VALUE:
		set_place(program, reg, CFI_SAME, 0);
		return true;
	case CFA_REGISTER:
	case CFA_VAL_OFFSET:
	case CFA_VAL_OFFSET_SF:
		read_unsigned(code);
		set_place(program, reg, CFI_LOST, 0);
		return true;
	case CFA_EXPRESSION:
		set_place_expression(program, reg,
				     read_block(code, read_unsigned(code)));
		return true;
	case CFA_VAL_EXPRESSION:
		read_block(code, read_unsigned(code));
		set_place(program, reg, CFI_LOST, 0);
		return true;
	default:
		return false;
	}
}

static void advance(struct program *program, uint64_t units)
{
	program->at += units * program->code_unit;
}

static void run_extended(struct program *program, struct cursor *code,
			 uint8_t op)
{
	switch (op) {
	case CFA_NOP:
		break;
	case CFA_ADVANCE1:
		advance(program, read_bytes(code, 1));
		break;
	case CFA_ADVANCE2:
		advance(program, read_bytes(code, 2));
		break;
	case CFA_ADVANCE4:
		advance(program, read_bytes(code, 4));
		break;
	case CFA_REMEMBER_STATE:
		remember(program, code);
		break;
	case CFA_RESTORE_STATE:
		recall(program, code);
		break;
	case CFA_GNU_ARGS_SIZE:
		read_unsigned(code);
		break;
	default:
		if (!run_cfa(program, code, op) &&
		    !run_register(program, code, op, read_unsigned(code)))
			code->is_bad = true;
	}
}

/* Up to the pc asked for. false if the program is bad. */
static bool run(struct program *program, struct cursor *code)
{
	while (code->at < code->end && program->at <= program->pc &&
	       !code->is_bad) {
		uint8_t op = read_byte(code);
		uint8_t operand = op & 0x3f;
		switch (op & 0xc0) {
		case CFA_ADVANCE:
			advance(program, operand);
			break;
		case CFA_OFFSET:
			set_place(program, operand, CFI_AT_CFA,
				  (int64_t)read_unsigned(code) *
					  program->data_unit);
			break;
		case CFA_RESTORE:
			restore_place(program, operand);
			break;
		default:
			run_extended(program, code, operand);
		}
	}
	return !code->is_bad;
}

/* --- CIE and FDE ------------------------------------------------------- */

/* Bytes of a pointer so encoded; 0 if we do not know. */
static uint32_t pointer_bytes(uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case 0x00: /* absolute */
	case 0x04: /* udata8 */
	case 0x0c: /* sdata8 */
		return 8;
	case 0x03: /* udata4 */
	case 0x0b: /* sdata4 */
		return 4;
	case 0x02: /* udata2 */
	case 0x0a: /* sdata2 */
		return 2;
	default:
		return 0;
	}
}

/* What follows AT's length, which must be one of 32 bits. */
static struct cursor open_entry(const uint8_t *at)
{
	struct cursor cursor = {.at = at, .end = at + 4};
	uint64_t bytes = read_bytes(&cursor, 4);
	if (bytes < 4 || bytes >= 0xfffffff0)
		cursor.is_bad = true;
	else
		cursor.end += bytes;
	return cursor;
}

/* TEXT names what is in DATA: a letter for each thing. */
static bool parse_augmentation(struct program *program, const uint8_t *text,
			       struct cursor *data)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case 'R':
			program->pointer_bytes = pointer_bytes(read_byte(data));
			break;
		case 'P':
			read_block(data, pointer_bytes(read_byte(data)));
			break;
		case 'L':
			read_byte(data);
			break;
		case 'S':
			program->is_signal = true;
			break;
		case 'B':
			break;
		default:
			return false;
		}
	}
	return !data->is_bad && program->pointer_bytes != 0;
}

static bool parse_cie(struct program *program, const uint8_t *at)
{
	struct cursor cie = open_entry(at);
	read_bytes(&cie, 4);
	uint8_t version = read_byte(&cie);
	const uint8_t *text = cie.at;
	while (read_byte(&cie) != '\0')
		;
	program->code_unit = read_unsigned(&cie);
	program->data_unit = read_signed(&cie);
	uint64_t pc = version == 1 ? read_byte(&cie) : read_unsigned(&cie);
	if (cie.is_bad || (version != 1 && version != 3) || pc != DWARF_PC)
		return false;
	program->pointer_bytes = 8;
	if (*text == 'z') {
		struct cursor data = read_block(&cie, read_unsigned(&cie));
		program->has_augmentation = true;
		if (!parse_augmentation(program, text + 1, &data))
			return false;
	} else if (*text != '\0') {
		return false;
	}
	program->cie = cie;
	return !cie.is_bad;
}

/* START is where the function starts. false if PC is behind its end. */
static bool parse_fde(struct program *program, const uint8_t *at,
		      uintptr_t start)
{
	struct cursor fde = open_entry(at);
	const uint8_t *here = fde.at;
	uint64_t cie_back = read_bytes(&fde, 4);
	if (fde.is_bad || cie_back == 0 || !parse_cie(program, here - cie_back))
		return false;
	read_bytes(&fde, program->pointer_bytes);
	uint64_t bytes = read_bytes(&fde, program->pointer_bytes);
	if (program->has_augmentation)
		read_block(&fde, read_unsigned(&fde));
	program->at = start;
	program->fde = fde;
	return !fde.is_bad && program->pc - start < bytes;
}

/* --- the rule ---------------------------------------------------------- */

/* WORDS of 8 bytes, if OFFSET is so many and they fit into BITS. */
static bool to_words(int64_t offset, uint32_t bits, int64_t *words)
{
	*words = offset / 8;
	return offset % 8 == 0 && *words >= -(INT64_C(1) << (bits - 1)) &&
	       *words < INT64_C(1) << (bits - 1);
}

static bool pack(const struct program *program, struct cfi_rule *rule)
{
	const struct row *row = &program->row;
	int64_t cfa, pc, bp;
	if (row->pc_is_undefined) {
		*rule = (struct cfi_rule){.kind = CFI_END};
		return true;
	}
	if (!row->cfa_is_known || row->pc.base > CFI_AT_BP ||
	    row->cfa_added % 8 != 0 || row->cfa_added / 8 > 15 ||
	    !to_words(row->cfa_offset, 22, &cfa) ||
	    !to_words(row->pc.offset, 14, &pc) ||
	    !to_words(row->bp.offset, 15, &bp))
		return false;
	*rule = (struct cfi_rule){
		.kind = program->is_signal ? CFI_SIGNAL : CFI_CALL,
		.cfa_is_from_bp = row->cfa_is_from_bp,
		.cfa_is_stored = row->cfa_is_stored,
		.cfa_added = row->cfa_is_stored ? row->cfa_added / 8 : 0,
		.pc_base = row->pc.base,
		.bp_base = row->bp.base,
		.cfa_offset = cfa,
		.bp_offset = bp,
		.pc_offset = pc,
	};
	return true;
}

bool cfi_run(const uint8_t *fde, uintptr_t start, uintptr_t pc,
	     struct cfi_rule *rule)
{
	struct program program;
	program.pc = pc;
	program.has_augmentation = program.is_signal = false;
	program.n_remembered = 0;
	program.row = (struct row){.pc.base = CFI_LOST, .bp.base = CFI_SAME};
	if (!parse_fde(&program, fde, start) || !run(&program, &program.cie))
		return false;
	program.initial = program.row;
	return run(&program, &program.fde) && pack(&program, rule);
}
