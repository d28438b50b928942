# The tests' Slurm cluster and its SSH gateway, for those who have Docker: docker compose --profile slurm up slurm
FROM node:22.21-bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends \
    slurm-wlm slurmdbd mariadb-server munge openssh-server openssh-client \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/metalab
COPY test/rig test/rig
COPY test/support/temporal-on-postgres/ports.mjs test/support/temporal-on-postgres/
COPY src/engine/process-start.mjs src/engine/
EXPOSE 2222
ENTRYPOINT ["node", "test/rig/main.mjs"]
CMD ["up", "--stay", "--folder", "/rig", "--gateway", "0.0.0.0:2222"]
