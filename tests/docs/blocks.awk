# Splits a page: each `sh` block into blocks/LINE.sh, the `text` block behind it into blocks/LINE.text, and a block whose
# first line names a file into that file. LINE has leading zeros, so that the names sort as the page goes.
/^ *```/ {
    if (inside) {
        inside = 0
        if (file) close(file)
        next
    }
    inside = 1
    file = ""
    language = $0
    gsub(/^ *```/, "", language)
    indent = match($0, /`/) - 1
    if (language == "sh") {
        line = sprintf("%04d", FNR)
        file = blocks "/" line ".sh"
        printf "" > file
    } else if (language == "text" && line) {
        file = blocks "/" line ".text"
    }
    if (language != "sh")
        line = ""
    first = language != "sh" && language != "text"
    next
}
inside {
    text = substr($0, indent + 1)
    if (first && match(text, /[A-Za-z]+\.(c|txt|cc|go|rs)( |$)/))
        file = files "/" substr(text, RSTART, RLENGTH)
    sub(/ $/, "", file)
    first = 0
    if (file) print text > file
    next
}
NF { line = "" }
