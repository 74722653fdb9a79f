@echo off
rem Installs a Pictor worker on Windows: checks the worker's config with its coordinator, starts the
rem worker in a container of Docker Desktop, and waits until the coordinator says that it is connected.
rem
rem Double-click it, or choose "Run as administrator" (not needed), or run it from a prompt with --help.
rem What it does, in what order, and its exit codes are those of install-worker.sh.
rem
rem How a path is kept whole here: delayed expansion is off, a path is only ever used between quotes, and
rem it never goes through the arguments of CALL, which would expand percent signs and double carets.
rem Errors are tested with IF ERRORLEVEL on a line of its own, so that no block of parentheses ever
rem holds a path with a parenthesis.
setlocal EnableExtensions DisableDelayedExpansion

rem A docker.exe that lies beside a downloaded script is not the one to run.
set "NoDefaultCurrentDirectoryInExePath=1"
set "FIND=%SystemRoot%\System32\find.exe"
set "CERTUTIL=%SystemRoot%\System32\certutil.exe"
set "ICACLS=%SystemRoot%\System32\icacls.exe"

rem A download that was cut off lacks the last line, and does nothing.
set "LAST=rem The last line"
"%FIND%" "%LAST% of run-install-worker.bat" <"%~f0" >nul
if errorlevel 1 >&2 echo [ERROR] This file is not whole. Download it again.& exit /b 1

set "VERSION=0.1.0"
set "OWN_IMAGE=pictor/worker:%VERSION%"
set "LABEL=network.pictor.installer"
set "CONFIG_IN_CONTAINER=/run/pictor/worker-config.json"
set "HARDENED=--restart unless-stopped --stop-timeout 600 --read-only --tmpfs /tmp:rw,nosuid,nodev,size=2g,mode=1777 --cap-drop ALL --security-opt no-new-privileges --pids-limit 1024 --init --log-opt max-size=10m --log-opt max-file=3"
rem Changes when containers are made in another way, so that a newer installer replaces them.
set "LAYOUT=1"
set "CONNECT_SECONDS=60"
rem What the network asks of a worker's GPU.
set "DRIVER_MAJOR=520"
set "DRIVER_MINOR=06"
set "GPU_QUERY=--query-gpu=driver_version,name"
set "LEAST_FREE_MIB=5120"
set "ADVISED_FREE_MIB=51200"

set "ACTION=install"
set "ACTIONS="
set "CONFIG="
set "NAME=pictor-worker"
set "IMAGE="
set "YES="
set "CPU="
set "NO_RENDER="
set "PURGE="
set "DRY_RUN="
set "PAUSE_AT_END="
set "PULLED="
set "REPLACING="
set "CODE=1"
if defined PICTOR_WORKER_NAME set "NAME=%PICTOR_WORKER_NAME%"
if defined PICTOR_WORKER_CONFIG for %%f in ("%PICTOR_WORKER_CONFIG%") do set "CONFIG=%%~ff"
set "MEMORY=auto"
if defined PICTOR_WORKER_MEMORY set "MEMORY=%PICTOR_WORKER_MEMORY%"
if defined PICTOR_WORKER_IMAGE set "IMAGE=%PICTOR_WORKER_IMAGE%"

if "%~1"=="" call :see_whether_double_clicked

:parse
if "%~1"=="" goto parsed
set "FLAG=%~1"
set "FLAG=%FLAG:"=%"
if "%FLAG%"=="--config" goto parse_config
if "%FLAG%"=="--name" goto parse_name
if "%FLAG%"=="--image" goto parse_image
if "%FLAG%"=="--yes" set "YES=1"& goto parse_next
if "%FLAG%"=="--cpu" set "CPU=1"& goto parse_next
if "%FLAG%"=="--no-render" set "NO_RENDER=1"& goto parse_next
if "%FLAG%"=="--purge" set "PURGE=1"& goto parse_next
if "%FLAG%"=="--dry-run" set "DRY_RUN=1"& goto parse_next
if "%FLAG%"=="--check" set "ACTIONS=%ACTIONS%check "& set "ACTION=check"& goto parse_next
if "%FLAG%"=="--status" set "ACTIONS=%ACTIONS%status "& set "ACTION=status"& goto parse_next
if "%FLAG%"=="--update" set "ACTIONS=%ACTIONS%update "& set "ACTION=update"& goto parse_next
if "%FLAG%"=="--uninstall" set "ACTIONS=%ACTIONS%uninstall "& set "ACTION=uninstall"& goto parse_next
if "%FLAG%"=="--version" goto version
if "%FLAG%"=="--help" goto help
if "%FLAG%"=="/?" goto help
>&2 echo [ERROR] "%FLAG%" is not known here.
>&2 echo [INFO] run-install-worker.bat --help lists what is.
exit /b 2

rem A relative path means the directory that the caller is in, so it is made whole before that changes.
:parse_config
if "%~2"=="" goto value_missing
set "CONFIG=%~f2"
goto parse_value
:parse_name
if "%~2"=="" goto value_missing
set "NAME=%~2"
goto parse_value
:parse_image
if "%~2"=="" goto value_missing
set "IMAGE=%~2"
goto parse_value
:value_missing
>&2 echo [ERROR] %FLAG% needs a value.
exit /b 2
:parse_value
shift
:parse_next
shift
goto parse

:parsed
if not defined ACTIONS goto one_action
if "%ACTIONS%"=="%ACTION% " goto one_action
>&2 echo [ERROR] Only one of --check, --status, --update, --uninstall at a time.
exit /b 2
:one_action
if defined PURGE if not "%ACTION%"=="uninstall" goto purge_alone
goto check_names
:purge_alone
>&2 echo [ERROR] --purge belongs to --uninstall.
exit /b 2

rem What is left of a name without the letters that Docker allows is what is wrong with it.
:check_names
set "NAME=%NAME:"=%"
set "WRONG="
if not defined NAME set "WRONG=1"
set "REST=%NAME:;=%"
if not "%REST%"=="%NAME%" set "WRONG=1"
if "%NAME:~0,1%"=="-" set "WRONG=1"
if "%NAME:~0,1%"=="." set "WRONG=1"
if "%NAME:~0,1%"=="_" set "WRONG=1"
for /f "delims=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-;" %%r in ("-%NAME%") do set "WRONG=1"
if not defined WRONG goto check_image
>&2 echo [ERROR] "%NAME%" cannot be a container's name: letters, digits, "_", "." and "-" can.
exit /b 2
:check_image
if not defined IMAGE goto check_memory
set "IMAGE=%IMAGE:"=%"
set "REST=%IMAGE:;=%"
if not "%REST%"=="%IMAGE%" set "WRONG=1"
if "%IMAGE:~0,1%"=="-" set "WRONG=1"
for /f "delims=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@-;" %%r in ("-%IMAGE%") do set "WRONG=1"
if not defined WRONG goto check_memory
>&2 echo [ERROR] "%IMAGE%" cannot be an image's name.
exit /b 2
:check_memory
if "%MEMORY%"=="auto" goto names_good
for /f "delims=0123456789bkmgBKMG" %%r in ("0%MEMORY:"=%") do set "WRONG=1"
if not defined WRONG goto names_good
>&2 echo [ERROR] PICTOR_WORKER_MEMORY="%MEMORY:"=%" is no amount of memory, such as 12g.
exit /b 2
:names_good
set "BEFORE=%NAME%-before-update"
set "KEPT_DIR=%LOCALAPPDATA%\Pictor"
set "KEPT=%KEPT_DIR%\%NAME%.json"
set "STAGED=%KEPT%.new"
set "REPLACED=%KEPT%.before-update"

rem "Run as administrator" starts in System32; a relative path typed at the prompt means this directory.
cd /d "%~dp0" 2>nul

set "WORK=%TEMP%\pictor-install-%RANDOM%%RANDOM%"
md "%WORK%" 2>nul
if exist "%WORK%\*" goto perform
>&2 echo [ERROR] A temporary directory cannot be made in "%TEMP%".
goto leave
:perform
set "OUT=%WORK%\out.txt"
set "ERR=%WORK%\err.txt"
if "%ACTION%"=="status" goto perform_freely
if not "%ACTION%"=="check" if defined DRY_RUN goto perform_freely
rem Two runs at once would take each other's containers for leftovers. Windows opens a file for writing once
rem at a time, and closes it with this window: what is printed meanwhile goes to the error output instead.
set "LOCK=%TEMP%\pictor-install.lock"
set "HELD="
call :perform_alone >"%LOCK%"
set "CODE=%errorlevel%"
del /q "%LOCK%" 2>nul
if defined HELD goto performed
>&2 echo [ERROR] Another installer of Pictor is at work. Wait until it is done.
set "CODE=1"
goto performed
:perform_freely
call :%ACTION%
set "CODE=%errorlevel%"
:performed
rd /s /q "%WORK%" 2>nul

goto leave
:perform_alone
set "HELD=1"
call :%ACTION% >&2
set "CODE=%errorlevel%"
del /q "%STAGED%" 2>nul
rd "%KEPT_DIR%" 2>nul
exit /b %CODE%

rem A window that a double click opened would close before anybody has read it.
:leave
if defined PAUSE_AT_END pause
exit /b %CODE%

:version
echo run-install-worker.bat %VERSION%
exit /b 0

:help
echo Installs a Pictor worker in a container of Docker Desktop.
echo.
echo   run-install-worker.bat                 asks for the worker's config, then installs
echo   run-install-worker.bat --config PATH   installs with this config
echo.
echo   --config PATH   the worker-config.json that the coordinator gave for this worker
echo   --yes           ask nothing, and take the config of the last installation if none is given
echo   --cpu           render on the CPU; a GPU is not needed
echo   --name NAME     name of the container: pictor-worker
echo   --image IMAGE   image of the worker: %OWN_IMAGE%
echo   --no-render     do not render a probe picture at the end
echo   --check         say whether everything needed is there, and change nothing
echo   --dry-run       say what would be done, and do nothing
echo   --status        say how the worker is
echo   --update        replace the worker by the image's newest version; the old one comes back if that fails
echo   --uninstall     let the worker finish its frame, then remove it and its copy of the config
echo   --purge         with --uninstall: remove its cache and its image too
echo   --version       print the version of this installer
echo   --help          print this
echo.
echo Environment: PICTOR_WORKER_CONFIG, PICTOR_WORKER_NAME and PICTOR_WORKER_IMAGE stand for --config, --name
echo and --image; PICTOR_WORKER_MEMORY is the most memory of the container, such as 12g; nine tenths of what
echo Docker Desktop has when unset. The config is kept in %%LOCALAPPDATA%%\Pictor.
echo.
echo Exit codes:
echo    0  done, or nothing to change
echo    1  unexpected
echo    2  the command line is wrong
echo    3  the worker's config is wrong
echo    4  the coordinator refuses the token
echo    5  the coordinator cannot be reached
echo    6  Docker Desktop is missing or cannot be used
echo    7  the NVIDIA driver
echo    8  Docker hands no GPUs to containers
echo    9  the image
echo   10  a container of that name is not ours
echo   11  started, but not connected
echo   12  the probe render failed
echo   13  the disk is full
echo   14  the update failed, the worker of before runs again
exit /b 0

rem ---------------------------------------------------------------------------------------------
rem What can be asked of this script. Each returns its exit code.

:install
call :find_config
if errorlevel 1 exit /b %errorlevel%
call :find_docker
if errorlevel 1 exit /b %errorlevel%
call :look_for_container
if errorlevel 1 exit /b %errorlevel%
if not defined IMAGE set "IMAGE=%OWN_IMAGE%"
call :choose_options
call :measure_memory
if defined DRY_RUN goto show_plan
call :finish_interrupted
if errorlevel 1 exit /b %errorlevel%
call :read_image_id
if errorlevel 1 exit /b %errorlevel%
call :hash_config
call :is_unchanged
if errorlevel 1 goto install_anew
"%DOCKER%" exec "%NAME%" pictor-worker health --connected
if not errorlevel 1 goto no_change
>&2 echo [INFO] The worker %NAME% is as it should be, and not connected yet.
:install_anew
call :install_image
if errorlevel 1 exit /b %errorlevel%
call :prepare
if errorlevel 1 goto install_failed
call :replace
if not errorlevel 1 goto installed
:install_failed
set "CODE=%errorlevel%"
call :forget_image
exit /b %CODE%
:no_change
>&2 echo [INFO] No change: the worker %NAME% runs with this image, config and options.
exit /b 0
:installed
>&2 echo [INFO] The worker %NAME% runs and is connected. It starts again with Docker Desktop.
echo          how it does     run-install-worker.bat --status --name %NAME%
echo          its log         docker logs -f %NAME%
echo          pause, go on    docker stop %NAME%; docker start %NAME%
echo          a newer image   run-install-worker.bat --update --name %NAME%
echo          remove it       run-install-worker.bat --uninstall --name %NAME%
echo        Its config is kept in "%KEPT%"
exit /b 0

:check
call :find_config
if errorlevel 1 exit /b %errorlevel%
call :find_docker
if errorlevel 1 exit /b %errorlevel%
call :look_for_container
if errorlevel 1 exit /b %errorlevel%
if not defined IMAGE set "IMAGE=%OWN_IMAGE%"
call :choose_options
"%DOCKER%" image inspect --format "{{.Id}}" "%IMAGE%" >"%OUT%" 2>"%ERR%"
if not errorlevel 1 goto check_with_image
call :error_has "No such image"
if errorlevel 1 goto check_failed
>&2 echo [WARN] The image %IMAGE% is not on this machine. Without it, the coordinator, the GPU and the disk
>&2 echo [WARN] cannot be asked; docker pull %IMAGE% fetches it. Everything else is fine.
exit /b 0
:check_failed
call :explain 9 "Docker cannot say whether it has the image."
exit /b %errorlevel%
:check_with_image
call :prepare
if errorlevel 1 exit /b %errorlevel%
>&2 echo [INFO] Everything is there; nothing was changed.
exit /b 0

:status
call :find_docker
if errorlevel 1 exit /b %errorlevel%
call :look_for_container
if errorlevel 1 exit /b %errorlevel%
if defined STATE goto status_here
echo Worker     %NAME% is not installed
exit /b 11
:status_here
echo Worker     %NAME%
echo Container  %STATE% %HEALTH%
echo Image      %CONTAINER_IMAGE%
echo Config     "%KEPT%"
if defined BEFORE_STATE >&2 echo [WARN] An update was interrupted; running this installer again finishes it or undoes it.
if "%STATE%"=="running" goto status_running
call :explain_exit
echo Last exit  %LAST_EXIT%: %MEANS%
goto status_lost
:status_running
"%DOCKER%" exec "%NAME%" pictor-worker health --connected
if not errorlevel 1 goto status_connected
:status_lost
echo Connected  no
echo Its log    docker logs --tail 50 %NAME%
exit /b 11
:status_connected
echo Connected  yes
exit /b 0

:update
call :find_docker
if errorlevel 1 exit /b %errorlevel%
call :look_for_container
if errorlevel 1 exit /b %errorlevel%
if defined DRY_RUN goto update_look
call :finish_interrupted
if errorlevel 1 exit /b %errorlevel%
:update_look
if defined STATE goto update_here
>&2 echo [ERROR] There is no worker %NAME% to update.
>&2 echo [INFO] Install it: run-install-worker.bat --config PATH --name %NAME%
exit /b 11
:update_here
call :choose_update_image
call :keep_options
call :choose_options
call :measure_memory
if defined DRY_RUN goto show_update_plan
set "CONFIG=%KEPT%"
if exist "%KEPT%" goto update_pull
>&2 echo [ERROR] "%KEPT%" is gone; install again with --config.
exit /b 3
:update_pull
call :read_image_id
if errorlevel 1 exit /b %errorlevel%
call :install_image
if errorlevel 1 exit /b %errorlevel%
call :hash_config
call :is_unchanged
if not errorlevel 1 goto no_change
call :prepare
if not errorlevel 1 goto update_replace
set "CODE=%errorlevel%"
call :forget_image
exit /b %CODE%
:update_replace
call :replace
if not errorlevel 1 goto installed
set "CODE=%errorlevel%"
call :forget_image
if not defined UNDONE exit /b %CODE%
>&2 echo [ERROR] The update failed with code %CODE%.
exit /b 14

:uninstall
call :find_docker
if errorlevel 1 exit /b %errorlevel%
call :look_for_container
if errorlevel 1 exit /b %errorlevel%
if not defined CONTAINER_IMAGE if defined IMAGE set "CONTAINER_IMAGE=%IMAGE%"
if not defined CONTAINER_IMAGE set "CONTAINER_IMAGE=%OWN_IMAGE%"
if defined DRY_RUN goto show_uninstall_plan
if not defined STATE goto uninstall_absent
call :drain
"%DOCKER%" rm --force "%NAME%" >nul 2>"%ERR%"
if errorlevel 1 goto uninstall_failed
goto uninstall_files
:uninstall_absent
if not defined BEFORE_STATE if not exist "%KEPT%" >&2 echo [INFO] No change: there is no worker %NAME%.
if not defined BEFORE_STATE if not exist "%KEPT%" goto uninstall_purge
:uninstall_files
if defined BEFORE_STATE "%DOCKER%" rm --force "%BEFORE%" >nul 2>&1
if not exist "%KEPT%" >&2 echo [WARN] "%KEPT%" is not there; if another account installed the worker, its copy of the token is with that account.
del /q "%KEPT%" 2>nul
del /q "%REPLACED%" 2>nul
>&2 echo [INFO] The worker %NAME% is removed. Retire it at its coordinator too, if it will not come back.
:uninstall_purge
if not defined PURGE exit /b 0
"%DOCKER%" volume rm --force "%NAME%-cache" >nul 2>"%ERR%"
if errorlevel 1 goto purge_failed
>&2 echo [INFO] The volume "%NAME%-cache" is removed.
"%DOCKER%" image rm "%CONTAINER_IMAGE%" >nul 2>"%ERR%"
if not errorlevel 1 >&2 echo [INFO] The image %CONTAINER_IMAGE% is removed.& exit /b 0
call :error_has "No such image"
if not errorlevel 1 exit /b 0
:purge_failed
call :explain 1 "The worker is removed, but not all that it left."
exit /b %errorlevel%
:uninstall_failed
call :explain 1 "The container cannot be removed."
exit /b %errorlevel%

rem ---------------------------------------------------------------------------------------------
rem The config

:find_config
if defined CONFIG goto given_config
if not defined YES goto ask_for_config
set "CONFIG=%KEPT%"
if exist "%KEPT%" goto given_config
>&2 echo [ERROR] --yes asks nothing: --config PATH names the worker's config.
exit /b 3
:given_config
call :look_at_config
exit /b %errorlevel%

rem An empty answer and the end of input look the same here; three of either end it.
:ask_for_config
set "CHANCES=3"
:ask_again
set "CONFIG="
set /p "CONFIG=Enter the full path of your worker config: "
call :look_at_config
if not errorlevel 1 exit /b 0
set "CODE=%errorlevel%"
set /a "CHANCES-=1"
if %CHANCES% GTR 0 goto ask_again
exit /b %CODE%

:look_at_config
call :clean_config
if defined CONFIG goto config_named
>&2 echo [ERROR] No path was entered.
exit /b 3
:config_named
if exist "%CONFIG%\*" goto config_is_directory
if not exist "%CONFIG%" goto config_missing
for %%f in ("%CONFIG%") do set "SIZE=%%~zf"
if "%SIZE%"=="0" goto config_empty
type "%CONFIG%" >nul 2>nul
if errorlevel 1 goto config_unreadable
"%FIND%" "{" <"%CONFIG%" >nul
if errorlevel 1 goto config_not_json
"%FIND%" "worker_id" <"%CONFIG%" >nul
if errorlevel 1 goto config_not_ours
"%FIND%" "token" <"%CONFIG%" >nul
if errorlevel 1 goto config_not_ours
"%FIND%" "://localhost" <"%CONFIG%" >nul
if not errorlevel 1 goto config_local
"%FIND%" "://127." <"%CONFIG%" >nul
if not errorlevel 1 goto config_local
"%FIND%" "://[::1]" <"%CONFIG%" >nul
if not errorlevel 1 goto config_local
exit /b 0
:config_missing
>&2 echo [ERROR] "%CONFIG%" does not exist.
exit /b 3
:config_is_directory
>&2 echo [ERROR] "%CONFIG%" is a directory; the path of the file in it is needed.
exit /b 3
:config_empty
>&2 echo [ERROR] "%CONFIG%" is empty.
exit /b 3
:config_unreadable
>&2 echo [ERROR] "%CONFIG%" cannot be read: you have no permission, or another program holds it.
exit /b 3
:config_not_json
>&2 echo [ERROR] "%CONFIG%" is not JSON.
exit /b 3
:config_not_ours
>&2 echo [ERROR] "%CONFIG%" is not a worker config; My Workers on the coordinator's page has it.
exit /b 3
:config_local
>&2 echo [ERROR] The coordinator's address in "%CONFIG%" is this very machine, which a container of Docker
>&2 echo [ERROR] Desktop reaches under another name: put host.docker.internal in the place of localhost or 127.0.0.1.
exit /b 5

rem Explorer's "Copy as path" puts quotes around a path, a browser file:/// before it.
:clean_config
if defined CONFIG set "CONFIG=%CONFIG:"=%"
:clean_left
if not defined CONFIG exit /b 0
if not "%CONFIG:~0,1%"==" " goto clean_right
set "CONFIG=%CONFIG:~1%"
goto clean_left
:clean_right
if not "%CONFIG:~-1%"==" " goto clean_address
set "CONFIG=%CONFIG:~0,-1%"
goto clean_right
:clean_address
if /i not "%CONFIG:~0,8%"=="file:///" exit /b 0
set "CONFIG=%CONFIG:~8%"
if defined CONFIG set "CONFIG=%CONFIG:/=\%"
exit /b 0

rem Compares, and so proves nothing to anybody: without certutil every installation makes the container anew.
:hash_config
set "CONFIG_HASH=unknown"
"%CERTUTIL%" -hashfile "%CONFIG%" SHA256 >"%OUT%" 2>nul
if errorlevel 1 exit /b 0
set "LINE="
for /f "usebackq skip=1 delims=" %%h in ("%OUT%") do if not defined LINE set "LINE=%%h"
if defined LINE set "CONFIG_HASH=%LINE: =%"
exit /b 0

rem The copy is what is verified and what is mounted: a path on a network drive, or one with a comma,
rem cannot be mounted. It belongs to the user alone before the token is in it.
:stage_config
if not exist "%KEPT_DIR%\*" md "%KEPT_DIR%" 2>nul
type nul 2>nul >"%STAGED%"
if not exist "%STAGED%" goto stage_failed
"%ICACLS%" "%STAGED%" /inheritance:r /grant:r "%USERNAME%:F" >nul 2>nul
if errorlevel 1 >&2 echo [WARN] Other users of this machine may be able to read "%KEPT%".
copy /y "%CONFIG%" "%STAGED%" >nul 2>nul
if errorlevel 1 goto stage_failed
exit /b 0
:stage_failed
>&2 echo [ERROR] The config cannot be copied to "%STAGED%".
exit /b 1

rem ---------------------------------------------------------------------------------------------
rem Docker and what it has

:find_docker
set "DOCKER="
for %%d in (docker.exe) do set "DOCKER=%%~$PATH:d"
if defined DOCKER goto docker_found
rem Explorer knows a PATH that an installation has just changed only after the next sign-in.
set "DOCKER=%ProgramFiles%\Docker\Docker\resources\bin\docker.exe"
if exist "%DOCKER%" goto docker_found
>&2 echo [ERROR] Docker is not installed. Install Docker Desktop from https://docs.docker.com/desktop/
>&2 echo [ERROR] with WSL 2, start it, then run this again.
exit /b 6
:docker_found
"%DOCKER%" info --format "{{.OSType}};{{.MemTotal}}" >"%OUT%" 2>"%ERR%"
if not errorlevel 1 goto docker_answers
call :explain 6 "Docker does not answer."
exit /b %errorlevel%
:docker_answers
set "DOCKER_OS="
set "DOCKER_MEMORY="
for /f "usebackq tokens=1,2 delims=;" %%a in ("%OUT%") do (set "DOCKER_OS=%%a"& set "DOCKER_MEMORY=%%b")
if not "%DOCKER_OS%"=="windows" exit /b 0
>&2 echo [ERROR] Docker Desktop runs Windows containers. Choose "Switch to Linux containers" in its menu.
exit /b 6

rem STATE stays empty when there is no such container.
:look_for_container
set "BEFORE_STATE="
call :inspect "%BEFORE%"
if errorlevel 1 exit /b %errorlevel%
set "BEFORE_STATE=%STATE%"
call :inspect "%NAME%"
exit /b %errorlevel%

:inspect
set "STATE="
set "HEALTH="
set "LAST_EXIT="
set "IMAGE_ID_NOW="
set "HASH_NOW="
set "OPTIONS_NOW="
set "CONTAINER_IMAGE="
set "OWNER="
"%DOCKER%" container inspect --format "=;{{index .Config.Labels `%LABEL%`}};=;{{.State.Status}};{{.State.ExitCode}};{{.Image}};{{.Config.Image}};={{index .Config.Labels `network.pictor.config-hash`}};={{index .Config.Labels `network.pictor.options`}};={{if .State.Health}}{{.State.Health.Status}}{{end}}" %1 >"%OUT%" 2>"%ERR%"
if not errorlevel 1 goto inspect_answer
call :error_has "No such container"
if not errorlevel 1 exit /b 0
call :explain 6 "Docker cannot say whether the container exists."
exit /b %errorlevel%
:inspect_answer
"%FIND%" "=;worker;=;" <"%OUT%" >nul
if errorlevel 1 goto not_ours
for /f "usebackq tokens=4-10 delims=;" %%a in ("%OUT%") do (set "STATE=%%a"& set "LAST_EXIT=%%b"& set "IMAGE_ID_NOW=%%c"& set "CONTAINER_IMAGE=%%d"& set "HASH_NOW=%%e"& set "OPTIONS_NOW=%%f"& set "HEALTH=%%g")
set "HASH_NOW=%HASH_NOW:~1%"
set "OPTIONS_NOW=%OPTIONS_NOW:~1%"
set "HEALTH=%HEALTH:~1%"
exit /b 0
:not_ours
>&2 echo [ERROR] There is a container %~1 that this installer did not make. It stays as it is.
>&2 echo [INFO] Choose another name with --name, or remove it yourself.
exit /b 10

:choose_options
set "MODE=gpu"
set "GPU_FLAG=--gpus all"
set "CPU_FLAG="
if not defined CPU goto options_chosen
set "MODE=cpu"
set "GPU_FLAG="
set "CPU_FLAG=--allow-cpu"
:options_chosen
set "OPTIONS=layout=%LAYOUT%,mode=%MODE%,memory=%MEMORY%"
exit /b 0

rem An update decides nothing anew but the image.
:keep_options
set "MODE_NOW="
set "MEMORY_NOW="
for /f "tokens=2,3 delims=," %%a in ("%OPTIONS_NOW%") do (set "MODE_NOW=%%a"& set "MEMORY_NOW=%%b")
if "%MODE_NOW%"=="mode=cpu" set "CPU=1"
if not "%MEMORY%"=="auto" exit /b 0
if "%MEMORY_NOW:~0,7%"=="memory=" set "MEMORY=%MEMORY_NOW:~7%"
exit /b 0

rem Nine tenths of the memory of Docker's machine. Arithmetic here has 32 bits: the last six digits go.
:measure_memory
set "MEMORY_FLAG="
if not "%MEMORY%"=="auto" set "MEMORY_FLAG=--memory %MEMORY%"
if defined MEMORY_FLAG exit /b 0
if not defined DOCKER_MEMORY exit /b 0
set "MEGABYTES=%DOCKER_MEMORY:~0,-6%"
if not defined MEGABYTES exit /b 0
set /a "MEGABYTES=MEGABYTES*9/10"
set "MEMORY_FLAG=--memory %MEGABYTES%000000b"
exit /b 0

rem Whoever uses an image of their own keeps it; everybody else gets the one of this script.
:choose_update_image
if defined IMAGE exit /b 0
set "IMAGE=%OWN_IMAGE%"
if not "%CONTAINER_IMAGE:~0,14%"=="pictor/worker:" set "IMAGE=%CONTAINER_IMAGE%"
exit /b 0

rem An image named by its digest cannot have changed. IMAGE_ID is what is there under that name, or empty.
:install_image
set "HAD_IMAGE=%IMAGE_ID%"
if not defined HAD_IMAGE goto pull_image
if not "%IMAGE:@sha256:=%"=="%IMAGE%" exit /b 0
:pull_image
>&2 echo [INFO] Pulling %IMAGE%
"%DOCKER%" pull "%IMAGE%" 2>"%ERR%"
if errorlevel 1 goto pull_failed
call :read_image_id
if errorlevel 1 exit /b %errorlevel%
if not "%IMAGE_ID%"=="%HAD_IMAGE%" set "PULLED=1"
exit /b 0
:pull_failed
if not defined HAD_IMAGE goto no_image
type "%ERR%" 1>&2
>&2 echo [WARN] %IMAGE% could not be pulled; the one on this machine is used.
exit /b 0
:no_image
call :explain 9 "The image %IMAGE% could not be pulled." registry
exit /b %errorlevel%

:read_image_id
set "IMAGE_ID="
"%DOCKER%" image inspect --format "{{.Id}}" "%IMAGE%" >"%OUT%" 2>"%ERR%"
if not errorlevel 1 goto read_image_answer
call :error_has "No such image"
if not errorlevel 1 exit /b 0
call :explain 9 "Docker cannot say whether it has the image."
exit /b %errorlevel%
:read_image_answer
for /f "usebackq delims=" %%i in ("%OUT%") do set "IMAGE_ID=%%i"
exit /b 0

rem What this run fetched goes again when it fails, and the image of before has its name again.
:forget_image
if not defined PULLED exit /b 0
"%DOCKER%" image rm "%IMAGE%" >nul 2>&1
if defined HAD_IMAGE "%DOCKER%" tag "%HAD_IMAGE%" "%IMAGE%" >nul 2>&1
exit /b 0

rem ---------------------------------------------------------------------------------------------
rem What must be true before anything is changed

:prepare
call :stage_config
if errorlevel 1 exit /b %errorlevel%
call :verify
if errorlevel 1 exit /b %errorlevel%
if defined CPU goto prepare_disk
call :test_gpu
if errorlevel 1 exit /b %errorlevel%
:prepare_disk
call :measure_disk
exit /b %errorlevel%

rem The worker's program says itself what is wrong, in its own words.
:verify
>&2 echo [INFO] Asking the coordinator about this config
"%DOCKER%" run --rm --mount "type=bind,source=%STAGED%,target=%CONFIG_IN_CONTAINER%,readonly" "%IMAGE%" verify
set "VERDICT=%errorlevel%"
if "%VERDICT%"=="0" exit /b 0
if "%VERDICT%"=="3" goto verify_config
if "%VERDICT%"=="4" goto verify_token
if "%VERDICT%"=="5" goto verify_old
if "%VERDICT%"=="9" goto verify_unreachable
if "%VERDICT%"=="125" goto verify_docker
if "%VERDICT%"=="2" goto verify_no_worker
if "%VERDICT%"=="126" goto verify_no_worker
if "%VERDICT%"=="127" goto verify_no_worker
>&2 echo [ERROR] The config could not be verified; the worker ended with exit code %VERDICT%.
exit /b 1
:verify_no_worker
>&2 echo [ERROR] %IMAGE% is no Pictor worker, or one that is too old for this installer.
exit /b 9
:verify_config
>&2 echo [ERROR] The worker finds the config wrong.
exit /b 3
:verify_token
>&2 echo [ERROR] The coordinator refuses the token.
>&2 echo [INFO] Download the config again there, or create the worker anew.
exit /b 4
:verify_old
>&2 echo [ERROR] The worker in %IMAGE% is too old for its coordinator.
>&2 echo [INFO] Take a newer image with --image, or the installer that your coordinator offers.
exit /b 9
:verify_unreachable
>&2 echo [ERROR] The coordinator cannot be reached from a container.
>&2 echo [INFO] Is the address right, does the coordinator run, does a firewall stop Docker's network?
exit /b 5
:verify_docker
>&2 echo [ERROR] Docker did not start the container; it says why above. In Docker Desktop,
>&2 echo [ERROR] Settings, Resources, File sharing must contain "%KEPT_DIR%".
exit /b 6

:test_gpu
"%DOCKER%" run --rm --gpus all --entrypoint nvidia-smi "%IMAGE%" "%GPU_QUERY%" "--format=csv,noheader" >"%OUT%" 2>"%ERR%"
if errorlevel 1 goto gpu_failed
"%FIND%" ", " <"%OUT%" >nul
if errorlevel 1 goto gpu_none
rem 1 in front, because 08 would be a bad octal number; GTR 0, because [N/A] is no number at all.
set "OLD_DRIVER="
for /f "usebackq tokens=1,2* delims=., " %%a in ("%OUT%") do (
  >&2 echo [INFO] GPU %%c, driver %%a.%%b
  if %%a GTR 0 if %%a LSS %DRIVER_MAJOR% set "OLD_DRIVER=%%a.%%b"
  if %%a EQU %DRIVER_MAJOR% if 1%%b LSS 1%DRIVER_MINOR% set "OLD_DRIVER=%%a.%%b"
)
if not defined OLD_DRIVER exit /b 0
>&2 echo [ERROR] The NVIDIA driver %OLD_DRIVER% is too old: %DRIVER_MAJOR%.%DRIVER_MINOR% is needed. Update it in Windows.
>&2 echo [INFO] To render on the CPU: run-install-worker.bat --cpu
exit /b 7
:gpu_none
>&2 echo [ERROR] nvidia-smi lists no GPU inside a container. Update the NVIDIA driver of Windows,
>&2 echo [ERROR] or render on the CPU with --cpu.
exit /b 7
rem nvidia-smi says on its standard output what is wrong with the driver.
:gpu_failed
type "%OUT%" >>"%ERR%"
call :explain 8 "A container does not see the GPUs." gpu
exit /b %errorlevel%

rem Free on Docker's own disk, as a container sees it. A disk of more than 2 TiB has more kibibytes than
rem 32 bits can count: the last three digits go first, and 1000/1024 is 125/128.
:measure_disk
"%DOCKER%" run --rm --entrypoint df "%IMAGE%" -Pk / >"%OUT%" 2>"%ERR%"
if errorlevel 1 goto disk_unknown
set "FREE_KIB="
for /f "usebackq skip=1 tokens=4" %%k in ("%OUT%") do set "FREE_KIB=%%k"
if not defined FREE_KIB goto disk_unknown
set "FREE_MIB=%FREE_KIB:~0,-3%"
if not defined FREE_MIB set "FREE_MIB=0"
set /a "FREE_MIB=FREE_MIB/128*125+FREE_MIB%%128*125/128"
set /a "FREE_GIB=FREE_MIB/1024"
>&2 echo [INFO] Docker's disk has %FREE_GIB% GiB free.
if %FREE_MIB% LSS %LEAST_FREE_MIB% goto disk_full
if %FREE_MIB% LSS %ADVISED_FREE_MIB% >&2 echo [WARN] 50 GiB are advised: scenes, Blender and the image need room.
exit /b 0
:disk_full
>&2 echo [ERROR] That is less than 5 GiB. Make room: "docker system prune", or a larger disk in the settings of
>&2 echo [ERROR] Docker Desktop.
exit /b 13
:disk_unknown
"%FIND%" "no space left on device" <"%ERR%" >nul
if not errorlevel 1 goto disk_full
>&2 echo [WARN] How much room Docker's disk has cannot be measured.
exit /b 0

rem ---------------------------------------------------------------------------------------------
rem The container

:is_unchanged
if not "%STATE%"=="running" exit /b 1
if not defined IMAGE_ID exit /b 1
if not "%IMAGE_ID_NOW%"=="%IMAGE_ID%" exit /b 1
if not "%OPTIONS_NOW%"=="%OPTIONS%" exit /b 1
if "%CONFIG_HASH%"=="unknown" exit /b 1
if not "%HASH_NOW%"=="%CONFIG_HASH%" exit /b 1
exit /b 0

rem The old container is set aside, not removed, until the new one is connected.
:replace
set "HAD_VOLUME=1"
"%DOCKER%" volume inspect "%NAME%-cache" >nul 2>&1
if errorlevel 1 set "HAD_VOLUME="
set "REPLACING="
if not defined STATE goto replace_config
set "WAS_RUNNING="
if "%STATE%"=="running" set "WAS_RUNNING=1"
if "%STATE%"=="restarting" set "WAS_RUNNING=1"
set "IMAGE_REPLACED=%IMAGE_ID_NOW%"
call :drain
"%DOCKER%" rename "%NAME%" "%BEFORE%" >nul 2>"%ERR%"
if errorlevel 1 goto replace_refused
set "REPLACING=1"
:replace_config
if exist "%KEPT%" move /y "%KEPT%" "%REPLACED%" >nul
move /y "%STAGED%" "%KEPT%" >nul 2>nul
if not exist "%KEPT%" goto replace_no_config
call :start
if errorlevel 1 goto replace_failed
call :wait_connected
if errorlevel 1 goto replace_failed
call :render_probe
if errorlevel 1 goto replace_failed
del /q "%REPLACED%" 2>nul
if not defined REPLACING exit /b 0
"%DOCKER%" rm --force "%BEFORE%" >nul 2>&1
call :forget_replaced_image
exit /b 0
:replace_refused
call :explain 1 "The worker that runs now cannot be set aside."
set "CODE=%errorlevel%"
if defined WAS_RUNNING "%DOCKER%" start "%NAME%" >nul 2>&1
exit /b %CODE%
:replace_no_config
>&2 echo [ERROR] "%KEPT%" cannot be written.
set "CODE=1"
goto replace_undo
:replace_failed
set "CODE=%errorlevel%"
:replace_undo
call :roll_back
exit /b %CODE%

:roll_back
>&2 echo [INFO] Undoing what was done.
set "UNDONE="
"%DOCKER%" rm --force "%NAME%" >nul 2>&1
if not defined REPLACING del /q "%KEPT%" 2>nul
if exist "%REPLACED%" move /y "%REPLACED%" "%KEPT%" >nul
if not defined REPLACING goto roll_back_volume
"%DOCKER%" rename "%BEFORE%" "%NAME%" >nul 2>"%ERR%"
if errorlevel 1 goto roll_back_stuck
if not defined WAS_RUNNING goto rolled_back
"%DOCKER%" start "%NAME%" >nul 2>"%ERR%"
if errorlevel 1 goto roll_back_stuck
:rolled_back
set "UNDONE=1"
>&2 echo [INFO] The worker of before is back.
exit /b 0
:roll_back_stuck
type "%ERR%" 1>&2
>&2 echo [ERROR] Not everything could be undone. Run this again, or look at: docker ps -a
exit /b 0
:roll_back_volume
if not defined HAD_VOLUME "%DOCKER%" volume rm "%NAME%-cache" >nul 2>&1
exit /b 0

rem The image of before takes gigabytes, and nobody can name it any more.
:forget_replaced_image
if "%IMAGE_REPLACED%"=="%IMAGE_ID%" exit /b 0
"%DOCKER%" image inspect --format "{{len .RepoTags}}" "%IMAGE_REPLACED%" >"%OUT%" 2>nul
if errorlevel 1 exit /b 0
set "TAGS="
for /f "usebackq" %%t in ("%OUT%") do set "TAGS=%%t"
if "%TAGS%"=="0" "%DOCKER%" image rm "%IMAGE_REPLACED%" >nul 2>&1
exit /b 0

:drain
>&2 echo [INFO] Stopping %NAME%. It finishes its frame first, for up to 10 minutes.
"%DOCKER%" stop -t 600 "%NAME%" >nul 2>"%ERR%"
if errorlevel 1 >&2 echo [WARN] %NAME% did not stop.
exit /b 0

rem An earlier run was closed, or the machine went off, between setting the old container aside and
rem removing it: it is finished if the new one is connected, and undone if not.
:finish_interrupted
if not defined BEFORE_STATE goto interrupted_files
>&2 echo [INFO] An earlier run was interrupted.
if not "%STATE%"=="running" goto undo_interrupted
"%DOCKER%" exec "%NAME%" pictor-worker health --connected >nul 2>&1
if errorlevel 1 goto undo_interrupted
>&2 echo [INFO] Its worker is connected: the one before is removed.
"%DOCKER%" rm --force "%BEFORE%" >nul 2>"%ERR%"
if not errorlevel 1 goto interrupted_files
call :explain 1 "The container %BEFORE% cannot be removed."
exit /b %errorlevel%
:undo_interrupted
set "REPLACING=1"
set "WAS_RUNNING=1"
call :roll_back
call :look_for_container
exit /b %errorlevel%
:interrupted_files
if not exist "%KEPT%" if exist "%REPLACED%" move /y "%REPLACED%" "%KEPT%" >nul
del /q "%REPLACED%" 2>nul
exit /b 0

rem No --user: Docker Desktop lets the image's own user read what Windows holds.
:start
>&2 echo [INFO] Starting the worker
"%DOCKER%" run -d --name "%NAME%" --label %LABEL%=worker --label network.pictor.config-hash=%CONFIG_HASH% --label network.pictor.options=%OPTIONS% %HARDENED% %MEMORY_FLAG% %GPU_FLAG% --mount "type=bind,source=%KEPT%,target=%CONFIG_IN_CONTAINER%,readonly" --mount "type=volume,source=%NAME%-cache,target=/var/lib/pictor" "%IMAGE%" run %CPU_FLAG% >nul 2>"%ERR%"
if not errorlevel 1 exit /b 0
call :explain 1 "The container could not be started." gpu
exit /b %errorlevel%

:wait_connected
>&2 echo [INFO] Waiting until the coordinator says that the worker is connected.
"%DOCKER%" exec "%NAME%" pictor-worker health --connected --wait %CONNECT_SECONDS%
if not errorlevel 1 exit /b 0
>&2 echo [WARN] The end of the worker's log:
"%DOCKER%" logs --tail 15 "%NAME%" 1>&2
call :inspect "%NAME%"
if "%STATE%"=="running" goto not_seen
call :explain_exit
>&2 echo [ERROR] The worker ended with exit code %LAST_EXIT%: %MEANS%.
if "%LAST_EXIT%"=="3" exit /b 3
if "%LAST_EXIT%"=="4" exit /b 4
if "%LAST_EXIT%"=="5" exit /b 9
if "%LAST_EXIT%"=="8" exit /b 8
exit /b 11
:not_seen
>&2 echo [ERROR] The worker runs, but the coordinator does not see it after %CONNECT_SECONDS% s.
exit /b 11

:render_probe
if defined NO_RENDER exit /b 0
>&2 echo [INFO] Rendering a probe picture.
"%DOCKER%" exec "%NAME%" pictor-worker doctor --render %CPU_FLAG%
if not errorlevel 1 exit /b 0
>&2 echo [ERROR] The probe render failed.
>&2 echo [INFO] --no-render installs without it.
exit /b 12

rem What "pictor-worker run" says by its exit code, and what Docker does.
:explain_exit
set "MEANS=no code of the worker"
if "%LAST_EXIT%"=="0" set "MEANS=it ended as it was told to"
if "%LAST_EXIT%"=="1" set "MEANS=a fault of this machine or of the worker; its log says which"
if "%LAST_EXIT%"=="2" set "MEANS=the image does not know its command line; update it"
if "%LAST_EXIT%"=="3" set "MEANS=its config is wrong"
if "%LAST_EXIT%"=="4" set "MEANS=the coordinator refuses its token; download the config again"
if "%LAST_EXIT%"=="5" set "MEANS=it is too old for its coordinator; use --update"
if "%LAST_EXIT%"=="6" set "MEANS=there is nothing to render with: no GPU, or no Blender; --cpu renders without a GPU"
if "%LAST_EXIT%"=="7" set "MEANS=something is missing on this machine; its log says what"
if "%LAST_EXIT%"=="8" set "MEANS=the GPU was lost; install again to make the container anew"
if "%LAST_EXIT%"=="137" set "MEANS=it was killed, by Docker after its time to stop or for want of memory"
if "%LAST_EXIT%"=="143" set "MEANS=it was stopped in the middle of a frame"
exit /b 0

rem ---------------------------------------------------------------------------------------------
rem What would be done

:show_plan
>&2 echo [INFO] Nothing is changed. What would be run:
>&2 echo [DRY RUN] docker pull "%IMAGE%"
>&2 echo [DRY RUN] docker run --rm --mount "type=bind,source=%STAGED%,target=%CONFIG_IN_CONTAINER%,readonly" "%IMAGE%" verify
if not defined CPU >&2 echo [DRY RUN] docker run --rm --gpus all --entrypoint nvidia-smi "%IMAGE%" "%GPU_QUERY%" "--format=csv,noheader"
>&2 echo [DRY RUN] docker run --rm --entrypoint df "%IMAGE%" -Pk /
goto show_replace_plan
:show_update_plan
>&2 echo [INFO] Nothing is changed. What would be run if %IMAGE% is another one then:
>&2 echo [DRY RUN] docker pull "%IMAGE%"
:show_replace_plan
if defined STATE >&2 echo [DRY RUN] docker stop -t 600 "%NAME%"
if defined STATE >&2 echo [DRY RUN] docker rename "%NAME%" "%BEFORE%"
>&2 echo [DRY RUN] copy "%CONFIG%" "%KEPT%"
>&2 echo [DRY RUN] docker run -d --name "%NAME%" %HARDENED% %MEMORY_FLAG% %GPU_FLAG% --mount "type=bind,source=%KEPT%,target=%CONFIG_IN_CONTAINER%,readonly" --mount "type=volume,source=%NAME%-cache,target=/var/lib/pictor" "%IMAGE%" run %CPU_FLAG%
>&2 echo [DRY RUN] docker exec "%NAME%" pictor-worker health --connected --wait %CONNECT_SECONDS%
if not defined NO_RENDER >&2 echo [DRY RUN] docker exec "%NAME%" pictor-worker doctor --render %CPU_FLAG%
if defined STATE >&2 echo [DRY RUN] docker rm --force "%BEFORE%"
exit /b 0

:show_uninstall_plan
>&2 echo [INFO] Nothing is changed. What would be run:
if defined STATE >&2 echo [DRY RUN] docker stop -t 600 "%NAME%"
if defined STATE >&2 echo [DRY RUN] docker rm --force "%NAME%"
>&2 echo [DRY RUN] del "%KEPT%"
if defined PURGE >&2 echo [DRY RUN] docker volume rm "%NAME%-cache"
if defined PURGE >&2 echo [DRY RUN] docker image rm "%CONTAINER_IMAGE%"
exit /b 0

rem ---------------------------------------------------------------------------------------------
rem What Docker says, explained

rem :explain CODE "what failed" [gpu or registry]: shows what Docker wrote, the advice for it, and returns the exit code of
rem the cause, or CODE when the cause is not known. The first row that matches counts.
:explain
>&2 echo [ERROR] %~2
type "%ERR%" 1>&2
set "CAUSE="
set "CAUSE_CODE=%1"
call :cause 13 disk_is_full    "no space left on device"
if "%~3"=="gpu" call :gpu_causes
if "%~3"=="registry" call :registry_causes
call :cause 6  no_permission   "permission denied while trying to connect"
call :cause 6  no_permission   "Access is denied"
call :cause 6  not_running     "pipe/docker"
call :cause 6  not_running     "Cannot connect to the Docker daemon"
call :cause 6  not_running     "docker daemon is not running"
call :cause 6  not_running     "Docker Desktop is unable to start"
call :cause 6  client_too_new  "is too new"
call :cause 6  client_too_old  "is too old"
if defined CAUSE goto %CAUSE%
exit /b %CAUSE_CODE%

:gpu_causes
call :cause 7  no_gpu_in_wsl   "no adapters were found"
call :cause 8  no_gpu_support  "could not select device driver"
call :cause 8  no_gpu_support  "invalid runtime name: nvidia"
call :cause 8  no_gpu_support  "unresolvable CDI devices"
call :cause 8  no_gpu_support  "executable file not found"
call :cause 7  driver_mismatch "driver/library version mismatch"
call :cause 7  no_driver       "libnvidia-ml.so"
call :cause 7  no_driver       "communicate with the NVIDIA driver"
call :cause 7  old_driver      "unsatisfied condition"
call :cause 7  no_gpu_in_wsl   "No devices were found"
call :cause 8  gpu_lost        "Failed to initialize NVML"
call :cause 8  no_gpu_support  "nvidia-container-cli"
exit /b 0

:registry_causes
call :cause 9  image_unknown   "manifest unknown"
call :cause 9  image_unknown   "pull access denied"
call :cause 9  image_unknown   "repository does not exist"
call :cause 9  wrong_processor "no matching manifest"
call :cause 9  registry_limit  "toomanyrequests"
call :cause 9  no_network      "no such host"
call :cause 9  no_network      "timeout"
call :cause 9  no_network      "connection refused"
exit /b 0

:cause
if defined CAUSE exit /b 0
call :error_has %3
if errorlevel 1 exit /b 0
set "CAUSE=%2"
set "CAUSE_CODE=%1"
exit /b 0

:error_has
"%FIND%" %1 <"%ERR%" >nul
exit /b %errorlevel%

:disk_is_full
>&2 echo [INFO] The disk is full. docker system df says what Docker's part of it is.
exit /b %CAUSE_CODE%
:no_permission
>&2 echo [INFO] You may not use Docker: an administrator adds you to the group docker-users, with
>&2 echo [INFO] net localgroup docker-users YOU /add; then sign out and in again.
exit /b %CAUSE_CODE%
:not_running
>&2 echo [INFO] Docker Desktop is not running: start it, and wait until it says that it runs.
exit /b %CAUSE_CODE%
:client_too_new
>&2 echo [INFO] Docker's engine is older than its command: update Docker Desktop, and restart it.
exit /b %CAUSE_CODE%
:client_too_old
>&2 echo [INFO] Docker's command is older than its engine: update it; "where docker" says which one runs.
exit /b %CAUSE_CODE%
:no_gpu_in_wsl
>&2 echo [INFO] WSL sees no GPU. Update the NVIDIA driver of Windows, then run: wsl --update; wsl --shutdown
>&2 echo [INFO] To render on the CPU: run-install-worker.bat --cpu
exit /b %CAUSE_CODE%
:no_driver
>&2 echo [INFO] The NVIDIA driver is missing. Install the newest one in Windows (none inside WSL) and restart.
>&2 echo [INFO] To render on the CPU: run-install-worker.bat --cpu
exit /b %CAUSE_CODE%
:old_driver
>&2 echo [INFO] The NVIDIA driver is too old for the image. Update it in Windows.
exit /b %CAUSE_CODE%
:driver_mismatch
>&2 echo [INFO] The NVIDIA driver was upgraded while it was in use: restart Windows.
exit /b %CAUSE_CODE%
:gpu_lost
>&2 echo [INFO] Containers lost the GPUs. Run: wsl --shutdown; start Docker Desktop again, then run this again.
exit /b %CAUSE_CODE%
:no_gpu_support
>&2 echo [INFO] Docker hands no GPUs to containers. Docker Desktop does so with its WSL 2 engine only: turn on
>&2 echo [INFO] Settings, General, "Use the WSL 2 based engine", update Docker Desktop, run: wsl --update
>&2 echo [INFO] To render on the CPU: run-install-worker.bat --cpu
exit /b %CAUSE_CODE%
:image_unknown
>&2 echo [INFO] There is no such image. Is the name right? --image names another.
exit /b %CAUSE_CODE%
:wrong_processor
>&2 echo [INFO] The image is not made for this machine's processor, %PROCESSOR_ARCHITECTURE%.
exit /b %CAUSE_CODE%
:registry_limit
>&2 echo [INFO] The registry gives no more for now: wait, or sign in with docker login.
exit /b %CAUSE_CODE%
:no_network
>&2 echo [INFO] The registry cannot be reached: look at the network, DNS and the proxy of Docker Desktop.
exit /b %CAUSE_CODE%

rem ---------------------------------------------------------------------------------------------

rem Explorer runs: cmd.exe /c ""C:\path\run-install-worker.bat" ". A browser may have added (1) to the name.
:see_whether_double_clicked
set "LINE=%cmdcmdline:"=%"
if not defined LINE exit /b 0
if "%LINE:/c =%"=="%LINE%" exit /b 0
if "%LINE:run-install-worker=%"=="%LINE%" exit /b 0
set "PAUSE_AT_END=1"
exit /b 0

rem The last line of run-install-worker.bat
