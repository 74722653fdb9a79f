/* A certutil.exe for the tests: Wine's does nothing. Answers `-hashfile FILE SHA256` in the form of Windows,
 * with a checksum (FNV-1a) in the place of SHA-256: the installer only compares. */
#include <stdio.h>
#include <windows.h>
#include <shellapi.h>

int main(void) {
    int argc;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    FILE *file = argc == 4 ? _wfopen(argv[2], L"rb") : NULL;
    if (!file) return 1;
    unsigned long long hash = 14695981039346656037ULL;
    for (int byte; (byte = fgetc(file)) != EOF;) hash = (hash ^ (unsigned)byte) * 1099511628211ULL;
    fclose(file);
    printf("SHA256 hash of file:\n%016llx\nCertUtil: -hashfile command completed successfully.\n", hash);
    return 0;
}
