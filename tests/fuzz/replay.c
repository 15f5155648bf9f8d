/* Gives each file named, and each file of each directory named, to a fuzz target once. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

/* Returns how many files were replayed. */
static int replay(const char *path)
{
    DIR *dir = opendir(path);
    int n = 0;
    if (dir) {
        for (struct dirent *entry; (entry = readdir(dir));) {
            char inner[4096];
            snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
            n += entry->d_name[0] == '.' ? 0 : replay(inner);
        }
        closedir(dir);
        return n;
    }
    FILE *file = fopen(path, "rb");
    MUST(file);
    static uint8_t bytes[1 << 20];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    /* Exactly as large as it is, so that a read beyond its end is seen. */
    uint8_t *exact = malloc(size ? size : 1);
    MUST(exact);
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 1;
}

int main(int argc, char **argv)
{
    int n = 0;
    for (int i = 1; i < argc; ++i)
        n += replay(argv[i]);
    printf("%d files\n", n);
    return n > 0 ? 0 : 1;
}
