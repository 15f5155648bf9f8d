# awk -f printed.awk WANTED PRINTED: status 0 if every wanted line comes in what was printed, in order. A line "..." is
# passed over, and "…" in a line is anything.
function fits(wanted, line,    parts, n, i, at) {
    n = split(wanted, parts, /…/)
    if (substr(line, 1, length(parts[1])) != parts[1]) return 0
    line = substr(line, length(parts[1]) + 1)
    if (n == 1) return line == ""
    for (i = 2; i < n; ++i) {
        at = index(line, parts[i])
        if (!at) return 0
        line = substr(line, at + length(parts[i]))
    }
    return length(line) >= length(parts[n]) && substr(line, length(line) - length(parts[n]) + 1) == parts[n]
}
NR == FNR { if ($0 != "...") wanted[++n] = $0; next }
found < n && fits(wanted[found + 1], $0) { ++found }
END {
    if (found < n) {
        print "not printed: " wanted[found + 1]
        exit 1
    }
}
