#!/bin/sh
# Registers the namespace `default` of the Temporal server at TEMPORAL_ADDRESS, where it is missing.
set -eu
tool=${TEMPORAL_TOOL:-temporal}

until "$tool" operator cluster health; do sleep 1; done
"$tool" operator namespace describe --namespace default ||
  "$tool" operator namespace create --namespace default --retention 720h
