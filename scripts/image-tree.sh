#!/bin/sh
# image-tree.sh SYSTEM FOLDER: from a compiled checkout, makes the folder that an image of SYSTEM holds.
# Its entry.js is the system's own command, its bin/ has that command under its name.
set -eu

system=$1
folder=$2
cd "$(dirname "$0")/.."

mkdir -p "$folder/bin"
for file in package.json package-lock.json packages/*/package.json systems/*/package.json; do
  mkdir -p "$folder/$(dirname "$file")"
  cp "$file" "$folder/$file"
done
(cd "$folder" && npm ci --omit=dev --workspace "systems/$system" --no-audit --no-fund --ignore-scripts --loglevel=error >&2)

# The system and every package of ours that npm linked because it is used; of the others nothing stays.
for home in packages/* systems/*; do
  name=$(node -p "require('./$home/package.json').name")
  if [ ! -e "$folder/node_modules/$name" ]; then
    rm -rf "${folder:?}/$home"
    continue
  fi
  for part in dist bin pages/dist; do
    [ -d "$home/$part" ] || continue
    mkdir -p "$folder/$home/$(dirname "$part")"
    cp -R "$home/$part" "$folder/$home/$part"
  done
done
find "$folder/systems" "$folder/packages" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '.tsbuildinfo' \) -exec rm -f {} +
rm -f "$folder/package-lock.json"

ln -sf "systems/$system/bin/$system.js" "$folder/entry.js"
ln -sf "../systems/$system/bin/$system.js" "$folder/bin/$system"
