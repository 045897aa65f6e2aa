#!/bin/sh
# PostgreSQL's archive_command: archive.sh ARCHIVE PATH NAME, called in the data folder.
# Keeps a segment under the system's own number, so that two databases never mix; whole and on the disk, or not at all.
# Until the first `doorstep backup` there is nothing to which the segments could be added. From then on a segment that is
# not archived must stay: the folder may be a disk's that is not mounted.
set -eu
system=$(od -An -tu8 -N8 global/pg_control | tr -d ' ')
folder=$1/$system
if [ ! -d "$folder" ]; then
    [ -e archiving ] || exit 0
    echo "the archive $folder is gone: mount its disk" >&2
    exit 1
fi
kept=$folder/$3
if [ -f "$kept" ]; then
    cmp -s "$2" "$kept"
    exit
fi
draft=$folder/.$3.draft
# A segment that was closed early ends in zeros, which need no room.
dd if="$2" of="$draft" bs=1048576 conv=sparse,fsync 2>/dev/null || { cp "$2" "$draft" && sync; }
mv "$draft" "$kept"
sync "$folder" 2>/dev/null || sync
