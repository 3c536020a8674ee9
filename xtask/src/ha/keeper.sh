# Waits until nobody is there any more to hold its input open, then ends whatever runs in the folder, and takes the folder along.
folder=$1
read -r _

# Only what the folder's own files name, and only while it is still that.
alive() {
  pid=
  read -r pid <"$1" 2>/dev/null
  [ -n "$pid" ] && grep -qaF "$folder" "/proc/$pid/cmdline" 2>/dev/null
}

# First those who would start another: Patroni leads a group, with what it starts to make a copy.
for file in "$folder"/node*.pid "$folder"/etcd.pid; do
  alive "$file" && kill -KILL "-$pid"
done
for round in 1 2; do
  for file in "$folder"/node*/postmaster.pid; do
    alive "$file" || continue
    # All of them, should they stand still: those that are asked to end take their own processes along.
    kill -CONT "$pid" $(cat "/proc/$pid/task/$pid/children") 2>/dev/null
    kill -QUIT "$pid"
    for wait in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
      alive "$file" || break
      sleep 0.1
    done
    alive "$file" && kill -KILL "$pid"
  done
done
while ! rm -rf "$folder" 2>/dev/null; do sleep 0.1; done
