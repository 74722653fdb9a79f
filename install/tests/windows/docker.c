/* A docker.exe for the tests of run-install-worker.bat.
 *
 * Writes its arguments, as Windows splits them, to %STUB_DIR%\calls (UTF-8, one a line, an empty line after
 * each call) and its kind to %STUB_DIR%\kinds, then answers from the directory %STUB_DIR%: for a call of the kind KIND
 *
 *   KIND.out   goes to standard output
 *   KIND.err   goes to standard error
 *   KIND.code  is the exit code
 *
 * KIND.1.code and so on are for the first, second, … call of that kind and are preferred; without any file
 * the answer is what an engine says that has everything but containers. The kinds are the names in `kinds`.
 * While KIND.hangs is there, a call of that kind does not come back.
 * `run` and `verify` also write what their bind mount holds to %STUB_DIR%\KIND.mounted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
#include <shellapi.h>

static wchar_t directory[MAX_PATH];

static FILE *open_in_directory(const char *name, const wchar_t *mode) {
    wchar_t path[2 * MAX_PATH];
    _snwprintf(path, 2 * MAX_PATH, L"%ls\\%hs", directory, name);
    return _wfopen(path, mode);
}

/* A word with a dash in front is the end of an argument, any other is a whole one. */
static int has(int argc, wchar_t **argv, const wchar_t *word) {
    size_t length = wcslen(word);
    for (int i = 1; i < argc; i++) {
        size_t size = wcslen(argv[i]);
        if (!wcscmp(argv[i], word)) return 1;
        if (*word == L'-' && size > length && !wcscmp(argv[i] + size - length, word)) return 1;
    }
    return 0;
}

struct kind { const char *name; const wchar_t *words[2]; const char *out; const char *err; int code; };

/* The first row whose words all occur in the arguments is the kind of a call. */
static const struct kind kinds[] = {
    {"info", {L"info"}, "linux;16777216000\n", "", 0},
    {"before", {L"inspect", L"-before-update"}, "", "Error response from daemon: No such container: x\n", 1},
    {"container", {L"container", L"inspect"}, "", "Error response from daemon: No such container: x\n", 1},
    {"volume", {L"volume", L"inspect"}, "", "Error response from daemon: no such volume\n", 1},
    {"volume-rm", {L"volume", L"rm"}, "", "", 0},
    {"image-rm", {L"image", L"rm"}, "", "", 0},
    {"image", {L"image", L"inspect"}, "sha256:new\n", "", 0},
    {"pull", {L"pull"}, "Status: Image is up to date\n", "", 0},
    {"verify", {L"run", L"verify"}, "worker attic of http://192.0.2.7:8080\n", "", 0},
    {"gpu", {L"nvidia-smi"}, "551.61, NVIDIA RTX\n", "", 0},
    {"disk", {L"df"}, "Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 999999999 1 209715200 1% /\n", "", 0},
    {"health", {L"exec", L"--connected"}, "", "", 0},
    {"doctor", {L"exec", L"doctor"}, "cycles on GPU 0: rendered\n", "", 0},
    {"logs", {L"logs"}, "the end of the log\n", "", 0},
    {"run", {L"run", L"-d"}, "0123456789ab\n", "", 0},
    {"stop", {L"stop"}, "", "", 0},
    {"start", {L"start"}, "", "", 0},
    {"rename", {L"rename"}, "", "", 0},
    {"rm", {L"rm"}, "", "", 0},
};

static const struct kind *kind_of(int argc, wchar_t **argv) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct kind *kind = &kinds[i];
        if (has(argc, argv, kind->words[0]) && (!kind->words[1] || has(argc, argv, kind->words[1])))
            return kind;
    }
    return NULL;
}

static void log_call(int argc, wchar_t **argv) {
    FILE *calls = open_in_directory("calls", L"ab");
    if (!calls) exit(99);
    for (int i = 1; i < argc; i++) {
        char utf8[8192];
        WideCharToMultiByte(CP_UTF8, 0, argv[i], -1, utf8, sizeof utf8, NULL, NULL);
        fprintf(calls, "%s\n", utf8);
    }
    fprintf(calls, "\n");
    fclose(calls);
}

static void log_kind(const char *kind) {
    FILE *kinds_called = open_in_directory("kinds", L"ab");
    if (!kinds_called) exit(99);
    fprintf(kinds_called, "%s\n", kind);
    fclose(kinds_called);
}

static int count_of(const char *kind) {
    char name[64];
    int count = 0;
    snprintf(name, sizeof name, "%s.count", kind);
    FILE *file = open_in_directory(name, L"rb");
    if (file) {
        if (fscanf(file, "%d", &count) != 1) count = 0;
        fclose(file);
    }
    count++;
    file = open_in_directory(name, L"wb");
    if (!file) exit(99);
    fprintf(file, "%d", count);
    fclose(file);
    return count;
}

static const char *hangs_of(const char *kind) {
    static char name[64];
    snprintf(name, sizeof name, "%s.hangs", kind);
    return name;
}

static FILE *answer(const char *kind, int count, const char *what) {
    char name[64];
    snprintf(name, sizeof name, "%s.%d.%s", kind, count, what);
    FILE *file = open_in_directory(name, L"rb");
    if (file) return file;
    snprintf(name, sizeof name, "%s.%s", kind, what);
    return open_in_directory(name, L"rb");
}

static void pour(FILE *from, FILE *to) {
    char bytes[4096];
    size_t length;
    while ((length = fread(bytes, 1, sizeof bytes, from)) > 0) fwrite(bytes, 1, length, to);
    fclose(from);
}

static void keep_mounted(const char *kind, int argc, wchar_t **argv) {
    static const wchar_t start[] = L"type=bind,source=";
    for (int i = 1; i < argc; i++) {
        if (wcsncmp(argv[i], start, wcslen(start)) != 0) continue;
        wchar_t path[2 * MAX_PATH];
        wcsncpy(path, argv[i] + wcslen(start), 2 * MAX_PATH - 1);
        path[2 * MAX_PATH - 1] = 0;
        wchar_t *end = wcsstr(path, L",target=");
        if (end) *end = 0;
        char name[64];
        snprintf(name, sizeof name, "%s.mounted", kind);
        FILE *from = _wfopen(path, L"rb");
        FILE *to = open_in_directory(name, L"wb");
        if (!from || !to) exit(99);
        pour(from, to);
        fclose(to);
    }
}

int main(void) {
    int argc;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    if (!GetEnvironmentVariableW(L"STUB_DIR", directory, MAX_PATH)) return 99;
    log_call(argc, argv);
    const struct kind *kind = kind_of(argc, argv);
    if (!kind) return 98;
    if (!strcmp(kind->name, "run") || !strcmp(kind->name, "verify")) keep_mounted(kind->name, argc, argv);

    log_kind(kind->name);
    FILE *hangs;
    while ((hangs = open_in_directory(hangs_of(kind->name), L"rb"))) {
        fclose(hangs);
        Sleep(50);
    }
    int count = count_of(kind->name), code = kind->code;
    FILE *file = answer(kind->name, count, "code");
    int canned = file != NULL;
    if (file) {
        if (fscanf(file, "%d", &code) != 1) return 99;
        fclose(file);
    }
    if ((file = answer(kind->name, count, "out"))) pour(file, stdout);
    else if (!canned) fputs(kind->out, stdout);
    if ((file = answer(kind->name, count, "err"))) pour(file, stderr);
    else if (!canned) fputs(kind->err, stderr);
    return code;
}
