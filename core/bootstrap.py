"""The composition root: settings in, a whole core out. The one place where adapters meet services."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.adapters.catalog_files import CatalogFolder
from core.adapters.chat_http import HttpChatClient
from core.adapters.clock import SystemClock
from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore
from core.adapters.dataset_folders import LocalDatasetFolders
from core.adapters.disk import LocalDisk
from core.adapters.docker_engine import DockerEngine
from core.adapters.endpoint_http import HttpEndpointClient
from core.adapters.evalscope_folder import EvalScopeFolders
from core.adapters.evaluation_files import EvaluationFiles
from core.adapters.home import make_home
from core.adapters.host import describe_host, package_version
from core.adapters.host_addresses import LocalAddresses
from core.adapters.host_probe import LocalHostProbe
from core.adapters.locks import WORKER_LOCK
from core.adapters.openwebui_http import HttpWebUiAdmin
from core.adapters.processes import LocalToolRunner
from core.adapters.prompt_files import FolderPromptFiles
from core.adapters.reference_files import load_references
from core.adapters.registries import KeptRegistries
from core.adapters.secrets import EncryptedSecrets
from core.adapters.simulated_engine import SimulatedEngine
from core.adapters.simulated_host import SimulatedHostProbe, read_host
from core.adapters.uploads import UploadFolder
from core.adapters.weights_disk import LocalWeightsDisk
from core.adapters.workload_files import load_presets
from core.jobs.queue import DbosQueue
from core.ports import Clock, ContainerEngine, HostProbe, JobQueue, PromptFiles, Registries, Secrets, Uploads
from core.product import product_version
from core.services.access import AccessService
from core.services.adoption import AdoptionService
from core.services.benchmarks import BenchmarkService
from core.services.catalog import CatalogService
from core.services.chat import ChatService
from core.services.comparisons import ComparisonService
from core.services.containers import ContainerService
from core.services.datasets import DatasetService
from core.services.deployment_care import DeploymentCare
from core.services.deployment_details import DeploymentDetails
from core.services.deployments import DeploymentService
from core.services.endpoint_watch import EndpointWatch
from core.services.endpoints import EndpointService
from core.services.evaluation_import import EvaluationImport
from core.services.evaluation_results import EvaluationResultService
from core.services.evaluations import EvaluationService
from core.services.history import HistoryService
from core.services.hosts import HostService
from core.services.images import ImageService
from core.services.imports import ImportService
from core.services.jobs import JobService
from core.services.leaderboards import LeaderboardService
from core.services.notices import NoticeService
from core.services.preflight import PreflightService
from core.services.registry_look import RegistryLook
from core.services.releases import ReleaseService
from core.services.results import ResultService
from core.services.storage import StorageService
from core.services.webui_room import WebUiRoom, webui_room
from core.services.weights import WeightsService
from core.settings import Settings, read_settings


@dataclass(frozen=True)
class App:
    """Everything a page, a command or the worker may use."""

    settings: Settings
    store: DatabaseStore
    clock: Clock
    secrets: Secrets
    queue: JobQueue
    tools: LocalToolRunner
    client: HttpEndpointClient
    containers: ContainerEngine
    access: AccessService
    endpoints: EndpointService
    endpoint_watch: EndpointWatch
    benchmarks: BenchmarkService
    prompts: PromptFiles
    imports: ImportService
    history: HistoryService
    hosts: HostService
    preflight: PreflightService
    images: ImageService
    uploads: Uploads
    catalog: CatalogService
    deployments: DeploymentService
    deployment_details: DeploymentDetails
    adoption: AdoptionService
    inside: ContainerService
    care: DeploymentCare
    comparisons: ComparisonService
    releases: ReleaseService
    results: ResultService
    evaluation_catalog: EvaluationFiles
    datasets: DatasetService
    evaluations: EvaluationService
    evaluation_results: EvaluationResultService
    evaluation_import: EvaluationImport
    leaderboard: LeaderboardService
    jobs: JobService
    notices: NoticeService
    storage: StorageService
    weights: WeightsService
    chat: ChatService
    webui: WebUiRoom


def compose(settings: Settings | None = None) -> App:
    """Makes the data folder, brings the database up to date, and wires the services. Raises StoreError."""
    settings = _with_models(settings or read_settings())
    make_home(settings)
    migrate(settings.database_url)
    store = DatabaseStore(settings.database_url, artifact_limit_mib=settings.artifact_limit_mib)
    clock = SystemClock()
    secrets = EncryptedSecrets(store.tokens, settings.home, settings.secret_key)
    queue = DbosQueue(settings.jobs_url, settings.locks / WORKER_LOCK, store.jobs)
    tools = LocalToolRunner(settings.locks)
    client = HttpEndpointClient(clock)
    endpoints = EndpointService(store.endpoints, client, secrets, clock)
    jobs = JobService(store.jobs, queue, tools, settings, clock)
    uploads = UploadFolder(settings.home / "uploads")
    registries = KeptRegistries(store.preferences, secrets)
    containers, probe = _host(settings, registries)
    chat = HttpChatClient()
    files = CatalogFolder(settings.catalog)
    catalog = files.load
    profiles = CatalogService(files, clock, dict(settings.registries))
    addresses = LocalAddresses(settings.public_host)
    hosts = HostService(containers, probe, store.preferences, lambda: catalog().platforms, settings)
    preflight = PreflightService(
        containers,
        probe,
        hosts,
        catalog,
        registries.resolve,
        lambda: [one.container_id for one in store.deployments.list() if one.container_id],
    )
    deployments = DeploymentService(
        store=store,
        queue=queue,
        engine=containers,
        endpoints=endpoints,
        jobs=jobs,
        client=client,
        secrets=secrets,
        clock=clock,
        probe=probe,
        catalog=catalog,
        devices=hosts.devices,
        preflight=preflight.check,
        outward=addresses.outward,
        registry=RegistryLook(containers.in_registry, lambda image: registries.resolve(image).reference).findings,
    )
    prompts = FolderPromptFiles(settings.home / "prompts")
    benchmarks = BenchmarkService(
        store,
        queue,
        endpoints,
        clock,
        product_version=product_version(),
        host=describe_host,
        presets=load_presets,
        catalog=catalog,
        prompts=prompts,
    )
    comparisons = ComparisonService(store, benchmarks, clock)
    evaluation_results = EvaluationResultService(store, jobs)
    evaluation_catalog = EvaluationFiles()
    dataset_folders = LocalDatasetFolders(settings.datasets / "evalscope")
    datasets = DatasetService(evaluation_catalog, store, queue, dataset_folders, clock)
    return App(
        settings=settings,
        store=store,
        clock=clock,
        secrets=secrets,
        queue=queue,
        tools=tools,
        client=client,
        containers=containers,
        access=AccessService(store.accounts, clock),
        endpoints=endpoints,
        endpoint_watch=EndpointWatch(store, client, endpoints, deployments),
        benchmarks=benchmarks,
        prompts=prompts,
        imports=ImportService(store, clock, product_version()),
        comparisons=comparisons,
        releases=ReleaseService(store, comparisons, evaluation_results),
        history=HistoryService(store, clock),
        hosts=hosts,
        preflight=preflight,
        images=ImageService(registries, store.jobs, queue, probe, uploads, clock),
        uploads=uploads,
        catalog=profiles,
        deployments=deployments,
        deployment_details=DeploymentDetails(store, containers, deployments, profiles, clock),
        adoption=AdoptionService(store, queue, containers, profiles, secrets, clock),
        inside=ContainerService(store, containers, secrets, clock),
        care=DeploymentCare(store, queue, containers, deployments, clock),
        results=ResultService(store, jobs),
        evaluation_catalog=evaluation_catalog,
        datasets=datasets,
        evaluations=EvaluationService(
            store,
            queue,
            endpoints,
            datasets,
            evaluation_catalog,
            containers,
            clock,
            limits=benchmarks.limits,
            product_version=product_version(),
            evalscope_version=package_version("evalscope"),
            host=describe_host,
        ),
        evaluation_results=evaluation_results,
        evaluation_import=EvaluationImport(store, EvalScopeFolders(), clock, product_version()),
        leaderboard=LeaderboardService(store, lambda: load_references(settings.catalog)),
        jobs=jobs,
        notices=NoticeService(store, jobs, clock),
        storage=StorageService(settings, LocalDisk()),
        weights=WeightsService(
            store=store,
            queue=queue,
            jobs=jobs,
            probe=probe,
            disk=LocalWeightsDisk(),
            secrets=secrets,
            settings=settings,
            clock=clock,
            catalog=catalog,
        ),
        chat=ChatService(endpoints, chat),
        webui=webui_room(
            store=store,
            queue=queue,
            engine=containers,
            endpoints=endpoints,
            client=client,
            chat=chat,
            admin=HttpWebUiAdmin(),
            addresses=addresses,
            secrets=secrets,
            clock=clock,
            probe=probe,
            catalog=catalog,
            registries=dict(settings.registries),
        ),
    )


def _with_models(settings: Settings) -> Settings:
    """A simulated host's own folder of models is one of the folders that are looked into."""
    if settings.host_profile is None:
        return settings
    return replace(settings, weights=(*settings.weights, Path(read_host(settings.host_profile).weights)))


def _host(settings: Settings, registries: Registries) -> tuple[ContainerEngine, HostProbe]:
    """This machine and its engine, or a simulated host in their place. Raises RefusedError (setting_bad: detail)."""
    if settings.host_profile is None:
        return DockerEngine(settings.docker_host, source=registries.resolve), _probe(settings)
    host = read_host(settings.host_profile)
    return SimulatedEngine(host, settings.home / "simulated-host"), SimulatedHostProbe(host, LocalHostProbe())


def _probe(settings: Settings) -> LocalHostProbe:
    """The engine's folders, ports and devices are this machine's where it is reached by a socket; inside a container
    only what the settings name."""
    local = settings.docker_host is None or settings.docker_host.startswith("unix:")
    if local and not settings.in_container:
        return LocalHostProbe()
    shared = settings.weights if local else ()
    return LocalHostProbe(sees_host=False, shared=shared, devices=settings.host_dev if local else None)
