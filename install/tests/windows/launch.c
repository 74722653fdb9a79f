/* Starts a command of Windows exactly as a test wrote it, which no Unix shell and not Wine's own splitting of
 * arguments would do: the command line is the file %STUB_DIR%\command, lines NAME=VALUE in
 * %STUB_DIR%\environment are set before; both are UTF-8. Ends with the command's exit code. */
#include <stdio.h>
#include <wchar.h>
#include <windows.h>

static wchar_t text[16384];

static int read_text(const wchar_t *directory, const wchar_t *name) {
    static char bytes[16384];
    wchar_t path[MAX_PATH];
    _snwprintf(path, MAX_PATH, L"%ls\\%ls", directory, name);
    FILE *file = _wfopen(path, L"rb");
    if (!file) return 0;
    size_t length = fread(bytes, 1, sizeof bytes - 1, file);
    fclose(file);
    bytes[length] = 0;
    return MultiByteToWideChar(CP_UTF8, 0, bytes, -1, text, sizeof text / sizeof *text);
}

int main(void) {
    wchar_t directory[MAX_PATH];
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code = 97;

    if (!GetEnvironmentVariableW(L"STUB_DIR", directory, MAX_PATH)) return code;
    if (read_text(directory, L"environment")) {
        for (wchar_t *line = wcstok(text, L"\n"); line; line = wcstok(NULL, L"\n")) {
            wchar_t *value = wcschr(line, L'=');
            if (!value) return code;
            *value++ = 0;
            SetEnvironmentVariableW(line, *value ? value : NULL);
        }
    }
    if (!read_text(directory, L"command")) return code;
    if (!CreateProcessW(NULL, text, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process)) return code;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}
